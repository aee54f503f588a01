"""How good notes are: matching, scores, tables and pictures (numpy, mir_eval)."""
