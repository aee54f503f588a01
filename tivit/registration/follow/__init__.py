"""Where the keyboard goes when the camera moves."""
