"""Video of a piano keyboard in, notes out: the library under the DVC stages of TiViT-Piano."""
