"""What of a video cannot be read as it was filmed: it is counted while decoding, warned about, and refused above a share.

Three things count, each as one frame: a packet that the decoder refuses, a picture of which the decoder could only guess a part
(it fills in from the frames around), and a frame without a timestamp, which cannot be put on the time grid. The first and the
last are left out; a guessed picture is shown. Frames that are predicted from a lost one may look wrong too, until the next key
frame, and no decoder says so: the true damage is larger than what is counted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tivit.core.errors import InputError
from tivit.core.timegrid import seconds_of

LOG = logging.getLogger(__name__)
MISSING_TAIL_S = 1.0
MISSING_TAIL_SHARE = 0.05
"""A file may end this long before the end that it declares (s, or as a share of its duration, whichever is longer)."""
MOST_DAMAGED_SHARE = MISSING_TAIL_SHARE
"""Share of damaged frames that is allowed: as much as may be missing at the end, since both lose as many notes."""
TOLD_TAIL_S = 0.25
"""A file that ends so long before the end that it declares is warned about."""
FEWEST_FRAMES = 10
"""In fewer frames no key is seen going down."""
FEW_FPS = 15.0
"""With fewer frames a second the frames are farther apart than the notes of fast music."""
READABLE_SHARE = 0.9
"""Of frames that are looked for, spread over the file, this share must be read."""
JOINED_S = 1.0
"""Damaged frames that are no farther apart than this are reported as one span."""
NAMED_SPANS = 5
"""A message lists at most so many spans."""
REMEDY = "copy the file again from its source, or cut that part off"


@dataclass
class Damage:
    """What was damaged among the frames read so far.

    Attributes
    ----------
    read : int
        Frames that were decoded and have a timestamp, guessed ones among them.
    lost : int
        Packets that could not be decoded.
    guessed : int
        Frames of which a part was filled in.
    timeless : int
        Frames without a timestamp.
    times_s : list of float
        When the lost and guessed ones are shown (s of the video's clock), where the file says.
    broken_off : str
        What the container said when it could not be read on; "" when it could.
    untimely : int
        Frames whose timestamp is earlier than that of the frame before: left out.
    repeated : int
        Frames with the timestamp of the frame before: left out, as no player has time to show them.
    joints : list of tuple of float
        Where the clock of the file jumps back: the instant (s of the video's clock), and by how much (s).
    gaps : list of tuple of float
        First and last instant (s) of times without a frame.
    resized : tuple or None
        When the pictures have another size for the first time (s), and which (width, height; px).
    interlaced : int
        Frames that consist of two pictures taken one after the other.
    parts : int
        Of how many parts the file is put together by its edit list.
    """

    read: int = 0
    lost: int = 0
    guessed: int = 0
    timeless: int = 0
    times_s: list[float] = field(default_factory=list)
    broken_off: str = ""
    untimely: int = 0
    repeated: int = 0
    joints: list[tuple[float, float]] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)
    resized: tuple[float, tuple[int, int]] | None = None
    interlaced: int = 0
    parts: int = 1

    @property
    def count(self) -> int:
        """Number of damaged frames."""
        return self.lost + self.guessed + self.timeless + self.untimely

    @property
    def share(self) -> float:
        """Damaged frames as a share of all, 0..1."""
        return self.count / max(self.read + self.lost + self.timeless, 1)

    def spans_s(self) -> list[tuple[float, float]]:
        """Return when damaged frames are shown, near ones joined.

        Returns
        -------
        list of tuple of float
            First and last instant (s of the video's clock) of each span, in time order.
        """
        spans: list[tuple[float, float]] = []
        for time_s in sorted(self.times_s):
            if spans and time_s - spans[-1][1] <= JOINED_S:
                spans[-1] = (spans[-1][0], time_s)
            else:
                spans.append((time_s, time_s))
        return spans

    def sentence(self) -> str:
        """Return a sentence that says how many frames are damaged, how, and at which seconds."""
        kinds = (
            ("cannot be decoded", self.lost),
            ("decoded in part", self.guessed),
            ("without a timestamp", self.timeless),
            ("with an earlier timestamp than the frame before", self.untimely),
        )
        named = ", ".join(f"{count} {kind}" for kind, count in kinds if count)
        spans = self.spans_s()
        places = ", ".join(_span(*span) for span in spans[:NAMED_SPANS])
        more = f" and {len(spans) - NAMED_SPANS} more places" if len(spans) > NAMED_SPANS else ""
        total = self.read + self.lost + self.timeless
        return f"damaged frames: {self.count} of {total} ({named}){f', at {places}{more}' if spans else ''}"


def _span(first_s: float, last_s: float) -> str:
    first, last = f"{first_s:.1f}", f"{last_s:.1f}"
    return f"{first} s" if first == last else f"{first} to {last} s"


def report(path: Path | str, damage: Damage, fps: float) -> None:
    """Warn of what was odd in a video that was read to its end.

    Parameters
    ----------
    path : path-like
        The video, for the message.
    damage : Damage
        What was damaged in it.
    fps : float
        Frames per second.

    Raises
    ------
    InputError
        More than `MOST_DAMAGED_SHARE` of the frames are damaged.
    """
    if damage.share > MOST_DAMAGED_SHARE:
        raise InputError(
            f"{path}: {damage.sentence()}; at most {100 * MOST_DAMAGED_SHARE:g} % may be; {REMEDY}, or leave the clip out"
        )
    if damage.count:
        LOG.warning("%s: %s; notes there, and up to the next key frame, may be wrong; %s", path, damage.sentence(), REMEDY)
    if damage.broken_off:
        LOG.warning("%s: cannot be read on after %d frames (%s); %s", path, damage.read, damage.broken_off, REMEDY)
    for sentence in _oddities(damage, fps):
        LOG.warning("%s: %s", path, sentence)


def _oddities(damage: Damage, fps: float) -> Iterator[str]:
    """Yield a sentence for each thing of a video that is not damage and yet may cost notes."""
    if damage.read < FEWEST_FRAMES:
        yield f"has {damage.read} frames; no key can be seen going down in fewer than {FEWEST_FRAMES}"
    if fps < FEW_FPS:
        off_ms = 1000 * seconds_of(0.5, fps)
        yield (
            f"shows {fps:.3g} frames a second: notes may be off by {off_ms:.0f} ms, and fast ones run together; film with "
            f"{FEW_FPS:g} or more"
        )
    if damage.gaps:
        named = ", ".join(f"{first:.1f} to {last:.1f} s" for first, last in damage.gaps[:NAMED_SPANS])
        more = f" and {len(damage.gaps) - NAMED_SPANS} more" if len(damage.gaps) > NAMED_SPANS else ""
        yield f"nothing is shown at {named}{more}: notes there are lost"
    for at_s, by_s in damage.joints[:NAMED_SPANS]:
        yield f"its clock jumps back by {by_s:.1f} s at {at_s:.1f} s, as where recordings are joined; it is read on as one"
    if damage.parts > 1:
        yield (
            f"is put together of {damage.parts} parts by its edit list: behind each cut notes may be late by up to 0.1 s; "
            "export it anew to be sure"
        )
    if damage.repeated:
        yield f"{damage.repeated} of {damage.read} frames have the timestamp of the frame before and are left out"
    if damage.resized is not None:
        at_s, (width, height) = damage.resized
        yield f"its pictures have {width} x {height} px from {at_s:.1f} s on; they are brought to the size of the first"
    if damage.interlaced > damage.read // 2:
        yield "is interlaced: each frame holds two pictures, so notes may be off by half a frame; better deinterlace it"


def check_end(path: Path | str, declared: tuple[int, float], count: int, span_s: float) -> None:
    """Raise InputError when a file ends more than a second, and more than 5 %, before it declares to; warn of less.

    Parameters
    ----------
    path : path-like
        The video, for the message.
    declared : tuple of int and float
        Number of frames and duration (s) that the file declares.
    count : int
        Number of frames that were read.
    span_s : float
        From the first frame that was read to the last (s).

    Raises
    ------
    InputError
        There are fewer frames than declared, and so much is missing.
    """
    frame_count, duration_s = declared
    missing_s = duration_s - span_s
    if count >= frame_count:
        return
    said = f"ends after {span_s:.1f} s ({count} frames) although it declares {duration_s:.1f} s ({frame_count} frames)"
    if missing_s > allowed_tail_s(duration_s):
        raise InputError(f"{path}: {said}; the file is truncated or damaged")
    if missing_s > TOLD_TAIL_S:
        LOG.warning("%s: %s; %s", path, said, REMEDY)


def allowed_tail_s(duration_s: float) -> float:
    """Return how long before the end that it declares a file may end (s), for a declared duration (s)."""
    return max(MISSING_TAIL_S, MISSING_TAIL_SHARE * duration_s)


def check_spread(path: Path | str, read: int, wanted: int, duration_s: float) -> None:
    """Raise InputError when too few frames, spread over a file, could be read.

    Parameters
    ----------
    path : path-like
        The video, for the message.
    read : int
        Number of frames that could be read.
    wanted : int
        Number of frames that were looked for.
    duration_s : float
        Duration (s) that the file declares, for the message.

    Raises
    ------
    InputError
        Less than `READABLE_SHARE` of the frames could be read.
    """
    if read < READABLE_SHARE * wanted:
        raise InputError(
            f"{path}: only {read} of {wanted} frames spread over its declared {duration_s:.1f} s can be read; the file is "
            "truncated or damaged"
        )
