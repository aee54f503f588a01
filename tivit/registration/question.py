"""What is asked of the user when a picture does not tell which keys it shows: one sentence, with a guess to accept."""

from __future__ import annotations

from tivit.core.choices import ORIENTATIONS
from tivit.core.keyboard import name_of
from tivit.core.registration import Registration
from tivit.registration.judge.octave import MIRROR_OPEN


def question(registration: Registration) -> str:
    """Return the sentence that says what is left open of a keyboard, and which options settle it.

    Parameters
    ----------
    registration : Registration
        One with a doubt.

    Returns
    -------
    str
        Without a full stop; the options are those of `tivit transcribe`.
    """
    guess, others = f"--first-key {name_of(registration.first_midi)}", "the lowest key that is wholly in view"
    if MIRROR_OPEN in registration.doubt:
        guess += f" --orientation {registration.orientation}"
        others += f" and how the picture shows the keyboard ({', '.join(ORIENTATIONS)})"
    return (
        f"which keys are in view is not known ({registration.doubt}); add {guess} if this guess is right, or else give {others}"
        " with the same options"
    )
