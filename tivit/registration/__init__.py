"""Where the keyboard is: from a few frames to homography, x correction and orientation."""
