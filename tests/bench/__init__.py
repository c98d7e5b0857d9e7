"""Measurements against the released DCT-Net pipeline; nothing here is a test."""
