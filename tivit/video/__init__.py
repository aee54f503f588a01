"""Video in: frames with their own timestamps, and the one warp from a frame to a strip."""
