"""Nouns that cross a stage boundary: params, artifacts, keyboard, time grid, heads, notes, manifest, strips, logits.

Nothing here imports another package of `tivit`, and nothing here imports torch or OpenCV.
"""
