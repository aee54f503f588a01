"""Scores, the threshold sweep, tables and pictures (numpy, mir_eval)."""
