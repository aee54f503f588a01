"""Names and numbers that the command line and the library choose from.

They lie in a module of their own because the command line offers them before it imports anything that takes long.
"""

from __future__ import annotations

SPLITS = ("train", "val", "test")
ORIENTATIONS = ("upright", "rotated", "mirrored", "rotated_mirrored")
"""How a picture shows the keyboard: bass left and player below, turned by 180 degrees, in a mirror, or both."""
FPS_RANGE = (1.0, 240.0)
"""The lowest and the highest number of frames a second that a time grid or a video may have."""
