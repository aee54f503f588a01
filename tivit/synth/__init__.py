"""Rendered clips: music, keys, hands and a camera, drawn at random and painted frame by frame.

`music` says what is played, `kinematics` and `motion` how keys and fingers move, `scene` and `camera` what is seen and from
where; `render` paints it and `dataset` writes it. `layouts` writes the same clips as public datasets lie on disk.
"""
