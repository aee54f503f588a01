"""Datasets: one module per dataset knows its folders, files and traps; nothing else does."""
