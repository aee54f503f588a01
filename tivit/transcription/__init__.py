"""One video in, its notes out: a decoder process, the network on what it sends, notes while the video is read, and their
files."""
