"""What of a video cannot be read as it was filmed: counted while it is decoded, warned about, and refused above a share.

Three things count, each as one frame: a packet that the decoder refuses, a picture that it could only guess in part (it fills
in from the frames around), and a frame without a timestamp, which cannot be put on the time grid. The first and the last are
left out; a guessed picture is shown. Frames that are predicted from a lost one may look wrong too, until the next key frame,
and no decoder says so: the true damage is larger than what is counted.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from tivit.core.errors import InputError

LOG = logging.getLogger(__name__)
MISSING_TAIL_S = 1.0
MISSING_TAIL_SHARE = 0.05
MOST_DAMAGED_SHARE = MISSING_TAIL_SHARE
"""Of the frames. As much as may be missing at the end: a frame that is lost in the middle loses no fewer notes."""
READABLE_SHARE = 0.9
"""Of frames that are looked for, spread over the file."""
JOINED_S = 1.0
"""Damaged frames that are no farther apart are named as one span."""
NAMED_SPANS = 5
REMEDY = "copy the file again from its source, or cut that part off"


@dataclass
class Damage:
    """What was damaged among the frames read so far.

    Attributes
    ----------
    read : frames that were decoded and have a timestamp, guessed ones among them.
    lost : packets that could not be decoded.
    guessed : frames of which a part was filled in.
    timeless : frames without a timestamp.
    times_s : when the lost and guessed ones are shown (s of the video's clock), where the file says.
    broken_off : what the container said when it could not be read on; "" when it could.
    """

    read: int = 0
    lost: int = 0
    guessed: int = 0
    timeless: int = 0
    times_s: list[float] = field(default_factory=list)
    broken_off: str = ""

    @property
    def count(self) -> int:
        """Number of damaged frames."""
        return self.lost + self.guessed + self.timeless

    @property
    def share(self) -> float:
        """Damaged frames as a share of all, 0..1."""
        return self.count / max(self.read + self.lost + self.timeless, 1)

    def spans_s(self) -> list[tuple[float, float]]:
        """Return (first, last) of each span of damaged frames (s), in time order."""
        spans: list[tuple[float, float]] = []
        for time_s in sorted(self.times_s):
            if spans and time_s - spans[-1][1] <= JOINED_S:
                spans[-1] = (spans[-1][0], time_s)
            else:
                spans.append((time_s, time_s))
        return spans

    def sentence(self) -> str:
        """Return how many frames are damaged, how, and at which seconds."""
        kinds = (("cannot be decoded", self.lost), ("decoded in part", self.guessed), ("without a timestamp", self.timeless))
        named = ", ".join(f"{count} {kind}" for kind, count in kinds if count)
        spans = self.spans_s()
        places = ", ".join(_span(*span) for span in spans[:NAMED_SPANS])
        more = f" and {len(spans) - NAMED_SPANS} more places" if len(spans) > NAMED_SPANS else ""
        total = self.read + self.lost + self.timeless
        return f"damaged frames: {self.count} of {total} ({named}){f', at {places}{more}' if spans else ''}"


def _span(first_s: float, last_s: float) -> str:
    first, last = f"{first_s:.1f}", f"{last_s:.1f}"
    return f"{first} s" if first == last else f"{first} to {last} s"


def report(path: Path | str, damage: Damage) -> None:
    """Warn of damage in a video that was read to its end.

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


def check_end(path: Path | str, declared: tuple[int, float], count: int, span_s: float) -> None:
    """Raise InputError when a file ends more than a second, and 5 %, before it declares to.

    Parameters
    ----------
    declared : number of frames and duration (s) that the file declares.
    count, span_s : number of frames and duration (s) that were read.
    """
    frame_count, duration_s = declared
    missing_s = duration_s - span_s
    if count < frame_count and missing_s > max(MISSING_TAIL_S, MISSING_TAIL_SHARE * duration_s):
        raise InputError(
            f"{path}: ends after {span_s:.1f} s ({count} frames) although it declares {duration_s:.1f} s "
            f"({frame_count} frames); the file is truncated or damaged"
        )


def check_spread(path: Path | str, read: int, wanted: int, duration_s: float) -> None:
    """Raise InputError when too few of `wanted` frames, spread over a file of `duration_s`, could be `read`."""
    if read < READABLE_SHARE * wanted:
        raise InputError(
            f"{path}: only {read} of {wanted} frames spread over its declared {duration_s:.1f} s can be read; the file is "
            "truncated or damaged"
        )
