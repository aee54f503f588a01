"""Checks a person runs: what the parts of the pipeline make of the data, in lines, a table and a picture."""
