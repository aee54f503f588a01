"""The networks: the tiled, key-aligned ViViT and the baselines it is measured against (torch)."""
