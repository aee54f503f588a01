"""Rendered clips written exactly as the public datasets lie on disk, to try loaders and the pipeline without the data."""
