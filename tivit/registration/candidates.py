"""What a reading comes to: its keys, its octave, its corrections, and whether to believe it; and the best of some readings.

The steps after `readings` are which keys are in view and which octave they are (`extent`, `octave`), the correction across the
keys (`depth`) and along them (`refine`), and whether to believe it (`verify`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from tivit.core.keyboard import name_of
from tivit.registration.find.pattern import black_range, white_range
from tivit.registration.find.readings import Reading
from tivit.registration.judge.border import content_of
from tivit.registration.judge.depth import Depth, fit_depth
from tivit.registration.judge.drawn import is_drawn
from tivit.registration.judge.extent import cut_by_picture, find_extent
from tivit.registration.judge.octave import Alignment, Extent, align_to_piano
from tivit.registration.judge.refine import Correction, Picture, fit_correction
from tivit.registration.judge.verify import Verdict, judge, player_side
from tivit.registration.params import Override, RegistrationParams

SURE = 0.9
"""A reading with this confidence ends the search; it has been held against the shifted readings and the other side."""
SETTLED = 0.6
"""With less confidence than this, or with an objection, the keyboard is searched for again in other ways."""
DOUBTFUL = 0.6
"""Weight of a reading that leaves something open (octave or mirror image), beside one that does not."""
ODD = 0.8
"""Weight of a reading whose ends no known instrument has: a dark case beside a short keyboard may pass for black keys, and they
count in the score."""
UNUSUAL_LOG_ASPECT, UNUSUAL = 0.3, 0.5
"""Keys whose proportions are off by more than this (logarithm), and the weight of such a reading beside others: a row of black
keys together with its mirror image in a fallboard makes keys of twice the length, seen from the wrong side."""
MAX_ERROR_KEY = 0.15
"""A clip is refused when its keys lie farther than this from their places (median, white-key widths)."""
LEAST_HEIGHT_MM = 100.0
"""A camera nearer to the plane of the white keys sees no keyboard; at the height of the black keys shadows have no end."""
MISLED_KEY = 0.2
"""A camera whose keys lie farther than this across the keyboard (median, white-key widths) is fitted again."""
KEYS_PER_POWER = 9
"""The x correction with which the keyboard is followed outwards has one power for so many black keys found."""
MOST_FOLLOWED = 6
"""The keyboard is followed outwards so often at most, each time with the keys of the time before."""
FIRST_KEY_TOLERANCE = 4
"""By how many semitones a first key given may differ from the one found: a key that the picture cuts may count or not."""


@dataclass(frozen=True)
class Candidate:
    """A reading with what was measured by it.

    Attributes
    ----------
    reading : Reading
        Its camera lies on the piano as the keys do.
    extent : Extent
        The keys in view.
    correction : Correction
        Along the keys.
    depth : Depth
        Across the keys; its homography is part of the reading.
    verdict : Verdict
        Whether to believe it.
    doubt : str
        What is not known of it, "" when nothing.
    """

    reading: Reading
    extent: Extent
    correction: Correction
    depth: Depth
    verdict: Verdict
    doubt: str

    @property
    def weight(self) -> float:
        """How much the reading is worth beside others: more if it explains more black keys, if it leaves nothing open, and if
        an instrument has the ends that it sees."""
        return self.belief * (DOUBTFUL if self.doubt else 1.0) * (ODD if self.extent.is_odd else 1.0)

    @property
    def belief(self) -> float:
        """The same, whatever it leaves open."""
        return self.verdict.confidence * max(self.reading.score, 0.0) * (UNUSUAL if self.is_unusual else 1.0)

    @property
    def is_unusual(self) -> bool:
        """Whether the keys are not as long for their width as those of a piano."""
        return abs(np.log(self.reading.pose.aspect)) > UNUSUAL_LOG_ASPECT

    def is_drawn(self, picture: Picture) -> bool:
        """Return `drawn.is_drawn` of its keys.

        Parameters
        ----------
        picture : Picture
            The frames.

        Returns
        -------
        bool
        """
        reading = self.reading
        return is_drawn(picture, reading.plane_to_image, reading.pose.camera_mm, self.correction.coefficients, self.extent)


def best_of(readings: Iterable[Reading], picture: Picture, params: RegistrationParams, override: Override) -> Candidate | None:
    """Return the reading that is worth most.

    Parameters
    ----------
    readings : iterable of Reading
        Likely ones first; a sure one ends the search.
    picture : Picture
        The frames.
    params : RegistrationParams
    override : Override
        What is known beforehand.

    Returns
    -------
    Candidate or None
        None when the picture bears none of them out.
    """
    candidates = []
    for reading in readings:
        candidate = _examine(picture, params, reading, override)
        if candidate is not None:
            candidates.append(candidate)
            if candidate.verdict.confidence >= SURE and not candidate.doubt and not candidate.is_unusual:
                break
    if not candidates:
        return None
    # What a reading leaves open says nothing of the side on which the player sits: with another keyboard behind the keys, whose
    # fronts lie where those of the wrong side would, a reading from there may know its octave, and be less like the picture.
    # Two sides are often believed alike, and then the keys lie nearer to their places from the right one.
    is_rotated = max(candidates, key=lambda item: (item.belief, -item.correction.err[1])).reading.is_rotated
    same_side = [item for item in candidates if item.reading.is_rotated == is_rotated]
    return max(same_side, key=lambda item: (item.weight, item.verdict.fit))


def _examine(picture: Picture, params: RegistrationParams, reading: Reading, override: Override) -> Candidate | None:
    """Return what a reading comes to, None when the picture does not bear it out."""
    if override.orientation is not None and reading.is_rotated != ("rotated" in override.orientation):
        return None
    if reading.pose.camera_mm[2] < LEAST_HEIGHT_MM:
        return None
    picture = picture.within(content_of(picture, reading))
    lying = _on_the_piano(picture, params, reading, override)
    if lying is None:
        return None
    reading, first, alignment = lying
    # A mirror image of the keys or a sloping front misleads the camera across the keyboard, and with it the count of the keys,
    # because how far black keys lean over white ones depends on where the camera is.
    depth = fit_depth(picture, reading.plane_to_image, reading.pose.camera_mm, first.coefficients, alignment.extent)
    if depth.err[0] > MISLED_KEY:
        reading = reading.with_ends_moved(depth.plane_to_plane, params)
        if reading.pose.camera_mm[2] < LEAST_HEIGHT_MM:
            return None
        again = reading.seen_in_mirror(params) if alignment.is_mirrored else reading
        lying = reading, first, alignment
        reading, first, alignment = _on_the_piano(picture, params, again.moved(-alignment.octaves), override) or lying
        depth = fit_depth(picture, reading.plane_to_image, reading.pose.camera_mm, first.coefficients, alignment.extent)
    is_side_given = override.orientation is not None
    candidate = _measured(picture, params, reading.bent(depth.plane_to_plane), alignment, depth, is_side_given=is_side_given)
    if candidate is not None and candidate.verdict.confidence >= SETTLED:
        return candidate
    # Glare can pass for a line across the keyboard, so the reading without that correction may be the better one.
    unchanged = replace(depth, err=(depth.err[0], depth.err[0]))
    other = _measured(picture, params, reading, alignment, unchanged, is_side_given=is_side_given)
    return max(filter(None, (candidate, other)), key=lambda item: item.verdict.confidence, default=None)


def _on_the_piano(
    picture: Picture, params: RegistrationParams, reading: Reading, override: Override
) -> tuple[Reading, Correction, Alignment] | None:
    """Return the reading turned and moved so that it lies on the piano as its keys do, with the correction by its black keys.

    None when the picture does not bear it out.
    """
    if reading.pose.camera_mm[2] < LEAST_HEIGHT_MM:
        return None
    # First with what the matched black keys alone tell: a correction of low order is enough to follow the keyboard outwards.
    followed = _followed(picture, params, reading)
    if followed is None:
        return None
    first, extent = followed
    reading = reading.within(*black_range(extent.first_midi, extent.last_midi), params)
    # Now the ends are known, and with them the octave and the mirror image. The reading is turned and moved to match.
    is_mirrored = None if override.orientation is None else "mirrored" in override.orientation
    alignment = align_to_piano(extent, override.first_key, is_mirrored)
    if alignment is None:
        return None
    if alignment.is_mirrored:
        reading = reading.seen_in_mirror(params)
    if reading.pose.camera_mm[2] < LEAST_HEIGHT_MM:
        return None
    return reading.moved(alignment.octaves), first, alignment


def _followed(picture: Picture, params: RegistrationParams, reading: Reading) -> tuple[Correction, Extent] | None:
    """Return the keys in view by what black keys alone tell, and the correction with which they were followed outwards.

    None when the picture does not bear the reading out. A correction by the keys of a part of the keyboard loses its way
    farther out, so keys that are new go into the next one, and the keyboard is followed once more.
    """
    camera_mm, to_image = reading.pose.camera_mm, reading.plane_to_image
    plan = picture.look_from_above(to_image)
    numbers, blacks = reading.keys, (int(reading.keys.min()), int(reading.keys.max()) + 1)
    rounds: dict[tuple[int, int], tuple[Correction, Extent]] = {}
    while blacks not in rounds and len(rounds) < MOST_FOLLOWED:
        order = min(params.lens_order, max(1, len(numbers) // KEYS_PER_POWER))
        correction = fit_correction(plan, camera_mm, np.arange(*blacks), np.zeros(0, int), order)
        if correction is None:
            return None
        extent = find_extent(plan, camera_mm, to_image, correction.coefficients, numbers, picture.bounds)
        if extent is None:
            return None
        rounds[blacks] = correction, extent
        blacks = black_range(extent.first_midi, extent.last_midi)
        numbers = np.arange(*blacks)
    if blacks not in rounds:  # it goes to and fro, so the keys of the row itself are the best that is known
        correction, extent = next(iter(rounds.values()))
        numbers = np.arange(*black_range(extent.first_midi, extent.last_midi))
    if extent.is_low_end and extent.is_high_end:
        return correction, extent
    # Where the picture ends the keyboard, a fraction of a key says which is the last one wholly in it.
    low, high = white_range(extent.first_midi, extent.last_midi)
    exact = fit_correction(plan, camera_mm, numbers, np.arange(low + 1, high), params.lens_order)
    if exact is not None:
        extent = cut_by_picture(extent, to_image, correction.coefficients, exact.coefficients, picture.bounds)
    return correction, extent


def _measured(
    picture: Picture,
    params: RegistrationParams,
    reading: Reading,
    alignment: Alignment,
    depth: Depth,
    *,
    is_side_given: bool,
) -> Candidate | None:
    """Return a reading that lies on the piano as it does, with what all of its keys say, black and white."""
    extent = alignment.extent
    # The camera may have been fitted again, so the picture is sampled anew.
    plan = picture.look_from_above(reading.plane_to_image)
    blacks = np.arange(*black_range(extent.first_midi, extent.last_midi))
    low, high = white_range(extent.first_midi, extent.last_midi)
    correction = fit_correction(plan, reading.pose.camera_mm, blacks, np.arange(low + 1, high), params.lens_order)
    if correction is None:
        return None
    motion = player_side(picture, reading.plane_to_image, extent)
    verdict = judge(plan, reading.pose, correction.coefficients, extent, motion, depth.err[1], is_side_given=is_side_given)
    return Candidate(reading, extent, correction, depth, verdict, alignment.doubt)


def objection(best: Candidate, override: Override, params: RegistrationParams) -> str:
    """Return why a registration must not be used.

    Parameters
    ----------
    best : Candidate
    override : Override
        What is known beforehand; a first key far from the one found speaks against it.
    params : RegistrationParams
        For the least confidence.

    Returns
    -------
    str
        "" when it may be used.
    """
    if best.verdict.confidence < params.min_confidence:
        return best.verdict.reason
    if best.correction.err[1] > MAX_ERROR_KEY:
        return f"the keys lie {best.correction.err[1]:.2f} white-key widths (median) from where they should be"
    first, given = best.extent.first_midi, override.first_key
    if given is not None and abs(first - given) > FIRST_KEY_TOLERANCE:
        return f"the first key is given as {name_of(given)}, but the lowest key in view is a {name_of(first)}"
    return ""
