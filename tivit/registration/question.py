"""What the user is asked or told to do next: where a picture does not tell which keys it shows, and where none are found."""

from __future__ import annotations

from tivit.core.choices import ORIENTATIONS
from tivit.core.keyboard import name_of
from tivit.core.registration import Registration
from tivit.registration.judge.octave import MIRROR_OPEN
from tivit.registration.reasons import GIVE_CORNERS, SAY_SIDE, UNSTEADY


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


def remedy(reason: str, is_known: bool) -> str:
    """Return what to do next about a video whose keyboard is refused.

    Parameters
    ----------
    reason : str
        That of the refusal.
    is_known : bool
        Whether the user has said something of the keyboard already.

    Returns
    -------
    str
        Without a full stop; the options are those of `tivit transcribe`.
    """
    if SAY_SIDE in reason:
        return f"give --orientation, one of {', '.join(ORIENTATIONS)}"
    if GIVE_CORNERS in reason:
        return "--corners takes them, and --report helps to read them off"
    if reason.startswith(UNSTEADY):
        return "film with the camera on a stand, or cut the video to a part in which it stands still"
    if is_known:
        return "check what was given (--corners, --first-key, --orientation)"
    return "film the keys from above with their front edge in the picture, or give --corners (--report helps to)"
