"""A network adapted to one clip, without labels."""
