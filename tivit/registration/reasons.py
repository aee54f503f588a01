"""Words in the reasons of refusals that say what settles it, and by which what to do next is chosen.

What measures writes them and what asks reads them; here, neither has to import the other.
"""

SAY_SIDE = "; say it with the orientation"
"""The end of a reason by which a keyboard is refused where it is not clear on which side the player sits."""
GIVE_CORNERS = "give the corners of"
"""Part of a reason by which a keyboard is refused that its corners settle."""
UNSTEADY = ("the camera moves", "the camera shakes")
"""The beginnings of the reasons by which a video is refused whose camera cannot be followed."""
