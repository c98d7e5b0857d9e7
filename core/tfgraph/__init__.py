"""Frozen TensorFlow graphs as torch modules, without TensorFlow."""

from core.tfgraph.module import load_graph

__all__ = ["load_graph"]
