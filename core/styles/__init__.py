"""The ways of drawing, one module each; `registry` names them."""
