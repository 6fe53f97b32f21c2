"""Labeler: pages and controls for building your own dataset."""
