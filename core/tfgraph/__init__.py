"""Frozen TensorFlow graphs as torch modules, without TensorFlow."""

from core.tfgraph.module import GraphModule, load_graph

__all__ = ["GraphModule", "load_graph"]
