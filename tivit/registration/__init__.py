"""Where the keyboard is: from a few frames to homography, x correction and orientation.

`find` looks for the keys, `judge` decides what they are and whether to believe it, `follow` keeps track of a camera that moves.
`estimate` chains these for one camera, `clip` for a video, `batch` for a dataset. What a registration is, and its file, is in
`core.registration`; warping by it is in `video`.
"""
