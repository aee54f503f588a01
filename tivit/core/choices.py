"""Names and numbers that the command line and the library choose from.

They lie in a module of their own because the command line offers them before it imports anything that takes long.
"""

from __future__ import annotations

SPLITS = ("train", "val", "test")
ORIENTATIONS = (
    "upright", "rotated", "mirrored", "rotated_mirrored",
    "turned_right", "turned_left", "turned_right_mirrored", "turned_left_mirrored",
)  # fmt: skip
"""How a picture shows the keyboard: bass left and player below, turned by 180 degrees, in a mirror (treble left, player below),
or both; or the first or third of these turned by 90 degrees, so that the player is at the left (turned right, which is
clockwise) or at the right (turned left)."""
FPS_RANGE = (1.0, 240.0)
"""The lowest and the highest number of frames a second that a time grid or a video may have."""
