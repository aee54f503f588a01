"""Training: windows, augmentation, losses, the loop, resumable state (torch)."""
