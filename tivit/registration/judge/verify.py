"""Is it really a keyboard, at this place? The rectified picture is held against the key pattern, and against wrong readings.

A wrong reading is the right picture shifted by whole white keys, or read from the wrong side. Within the keys in view the
pattern must fit clearly better than all shifts, at both ends too. Beyond the ends of an instrument it must not go on (an octave
too short or too long shows there). The white keys must be white, and their fronts must lie on the side of the player. The rows
of the picture are those of `refine`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tivit.core.keyboard import WHITE_LENGTH_MM, WHITE_PITCH_MM
from tivit.core.registration import correction_mm
from tivit.registration.find.pattern import black_range_mm, key_edges_mm, tail_mm, white_range
from tivit.registration.find.pose import Pose, black_edges_mm
from tivit.registration.judge.octave import Extent
from tivit.registration.judge.refine import BEYOND_ROWS, BLACK_BANDS, BLACK_ROWS, FRONT_ROWS, STEP_MM, X_MM, Picture, Plan
from tivit.registration.reasons import SAY_SIDE

SHIFTS_WHITE = (-3, -2, -1, 1, 2, 3)
"""Shifts in white keys: all within an octave; the mirrored pattern is one of them."""
FIT_RANGE = (0.4, 0.6)
"""Each range says at which value a check counts 0 and from which on it counts 1 (`_ramp`); this one is of the mean
agreement."""
MARGIN_RANGE = (0.15, 0.5)
"""Range for the agreement where the pattern differs from a shifted one."""
END_RANGE = (0.1, 0.35)
"""Range for the agreement over END_MM at the worse end."""
BEYOND_RANGE = (0.75, 0.5)
"""Range for the agreement beyond an end, where there should be none."""
SIDE_RANGE = (0.2, 0.4)
"""Range for how clearly the fronts and all that moves lie on the side of the player."""
SIDE_GIVEN_RANGE = (-0.05, 0.05)
"""The same where the orientation is given: the picture need not say the side, but must not speak for the other one. From the
wrong side it was -0.09 at most in 29 rendered views."""
WHITE_RANGE = (0.45, 0.7)
"""Range for the share of white keys that look white: hands may rest on a quarter of a small keyboard."""
END_MM = 5 * WHITE_PITCH_MM
"""Length of what counts as an end of the keyboard, inwards and outwards."""
SEAM_FLOOR = 0.015
"""Depth of white seams, relative to the keys' brightness, that counts as none."""
UNLIKENESS_FLOOR = 0.4
"""Differences in brightness from the white tails, as a share of that between white and black, are held against each other, or
against this where both are small: over-exposed fronts are as bright as the tails, and a case half as bright is clearly not."""
SEAM_REACH_MM = 5.0
"""A seam is held against what is so far to either side of it."""
MOTION_WEIGHT = 0.5
"""Weight of motion (-1..1) beside what the still picture says of the side of the player."""
BEFORE_MM, BEHIND_MM = np.arange(-100.0, -9.0, 10.0), np.arange(165.0, 256.0, 10.0)
"""y of the rows in which motion is looked for: before the keys, and behind the fallboard."""
UNREST_FLOOR = 1.0
"""Change between frames (levels) that counts as none."""
CONTRAST_RANGE = (0.1, 0.25)
"""Range for how much darker black keys are than white ones, as a share."""
LEAN_RANGE = (2.2, 1.6)
"""Tangent of the angle between the vertical and the way to the camera; views of 58 to 66 degrees show no key properly."""
ACROSS_RANGE = (0.4, 0.2)
"""Range for the error across the keyboard, white-key widths."""
ASPECT_RANGE = (0.85, 0.65)
"""Range for the logarithm of the aspect, either way: pictures are squeezed to 0.6, mini keys are 0.6 times as long."""
WINDOW_MM = 100.0
"""Being "near by" means within this window along the keyboard."""
USUAL_SHARE = 0.2
"""Such a share of the window lies below the level "dark", and above "bright". Black keys are nearly half of it, so
these levels are of many keys, and are not set by the darkest flank or the brightest tail."""
WINDOW_STEP = 2
"""Every so many samples of the window are looked at."""
MIN_CONTRAST_SHARE = 0.3
"""Contrast near by counts as at least this share of the usual one: flat places are no keys."""
GLARE_SHARE = 1.5
"""What is brighter than the usual white by half the usual contrast is a reflection, and says nothing of its neighbours."""


@dataclass(frozen=True)
class Verdict:
    """How sure a reading is.

    Attributes
    ----------
    confidence : float, 0..1
        Product of the checks.
    reason : str
        What the weakest check says, also where the confidence is high.
    fit : float, -1..1
        Mean agreement of the picture with the key pattern.
    margin : float, -1..1
        The least agreement, over all shifts, where the pattern and a shifted one differ.
    """

    confidence: float
    reason: str
    fit: float
    margin: float


def judge(
    plan: Plan,
    pose: Pose,
    correction: tuple[float, ...],
    extent: Extent,
    player_side: float,
    err_across: float,
    *,
    is_side_given: bool = False,
) -> Verdict:
    """Return how sure it is that the picture shows the keys of an extent at their places.

    Parameters
    ----------
    plan : Plan
        The picture on the raster of the white-key plane.
    pose : Pose
        The camera.
    correction : tuple of float, mm
        The x correction, lowest power first.
    extent : Extent
        The keys that are said to be in view.
    player_side : float, -1..1
        1 when all that moves around the keys moves before them (`player_side`).
    err_across : float, white-key widths
        How far the keys are from their places across the keyboard.
    is_side_given : bool
        Whether the user said on which side the player sits.

    Returns
    -------
    Verdict
    """
    camera_mm = pose.camera_mm
    low_mm, high_mm = extent.ends_mm
    x_mm = np.arange(low_mm, high_mm, STEP_MM)
    back, front = _profile(plan, BLACK_ROWS, correction), _profile(plan, FRONT_ROWS, correction)
    pattern = _pattern(x_mm, camera_mm)
    agreement = _agreement(back, x_mm, pattern)
    fit = float(agreement.mean())
    # Where both patterns agree a shift cannot be told, so only places count in which they differ.
    margin = min(float(agreement[_pattern(x_mm - WHITE_PITCH_MM * k, camera_mm) != pattern].mean()) for k in SHIFTS_WHITE)
    bands = [_agreement(_profile(plan, rows, correction), x_mm, pattern) for rows in BLACK_BANDS]
    end_masks = (x_mm < low_mm + END_MM, x_mm > high_mm - END_MM)
    # At an end a reflection may cover part of the length, so the best of the whole and its thirds counts.
    ends = min(max(float(values[end_mask].mean()) for values in (agreement, *bands)) for end_mask in end_masks)
    blacks = np.arange(*black_range_mm(low_mm, high_mm))
    left, right = black_edges_mm(blacks, camera_mm)
    dark = np.nanmedian([np.median(back(np.linspace(a + 2, b - 2, 5))) for a, b in zip(left, right, strict=True)])
    fronts = (np.arange(*white_range(extent.first_midi, extent.last_midi)) + 0.5) * WHITE_PITCH_MM
    white = np.median([front(fronts + d) for d in (-6, 0, 6)], axis=0)
    white, share_white, contrast = white[np.isfinite(white)], 0.0, 0.0
    if len(white) and np.isfinite(dark):  # otherwise the fronts are out of the picture, and nothing says that they are keys
        share_white = float((white > (dark + np.median(white)) / 2).mean())
        contrast = 1 - float(dark) / max(float(np.median(white)), 1.0)
    lean = abs(camera_mm[1] - WHITE_LENGTH_MM / 2) / max(camera_mm[2], 1.0)
    side = _side(plan, correction, x_mm, float(dark)) + MOTION_WEIGHT * player_side
    agreements = {
        f"the black keys do not fit the pattern (agreement {fit:.2f})": _ramp(fit, *FIT_RANGE),
        f"another reading fits almost as well (margin {margin:.2f})": _ramp(margin, *MARGIN_RANGE),
        f"the pattern does not fit at the ends of the keyboard (agreement {ends:.2f})": _ramp(ends, *END_RANGE),
    }
    # These three measure the same thing, so only the lowest is a factor.
    least = min(agreements, key=agreements.get)
    parts = {
        least: agreements[least],
        "the keyboard goes on where it should end": _nothing_beyond(plan, camera_mm, back, extent),
        f"which side the player sits on is not clear ({side:.2f}){'' if is_side_given else SAY_SIDE}": _ramp(
            side, *(SIDE_GIVEN_RANGE if is_side_given else SIDE_RANGE)
        ),
        f"the black keys are hardly darker than the white ones (by {contrast:.0%})": _ramp(contrast, *CONTRAST_RANGE),
        f"the keys are seen too flat ({np.degrees(np.arctan(lean)):.0f} degrees off the vertical)": _ramp(lean, *LEAN_RANGE),
        f"the keys lie {err_across:.2f} white-key widths across the keyboard from where they should be": _ramp(
            err_across, *ACROSS_RANGE
        ),
        f"the keys are {1 / pose.aspect:.1f} times as wide for their length as those of a piano": _ramp(
            abs(np.log(pose.aspect)), *ASPECT_RANGE
        ),
        f"only {share_white:.0%} of the white keys look white": _ramp(share_white, *WHITE_RANGE),
    }
    reason = min(parts, key=parts.get)
    return Verdict(float(np.prod(list(parts.values()))), reason, fit, margin)


def player_side(picture: Picture, plane_to_image: np.ndarray, extent: Extent) -> float:
    """Return how much more moves before the keys than behind them: arms come from the side of the player.

    Parameters
    ----------
    picture : Picture
        The frames.
    plane_to_image : ndarray, (3, 3)
        Homography from (x_mm, y_mm, 1) of the white-key plane to image px.
    extent : Extent
        The keys in view.

    Returns
    -------
    float, -1..1
        1: all that moves is before the keys; about 0: nothing moves, or as much on both sides.
    """
    x_mm = np.arange(*extent.ends_mm, 6.0)
    before, behind = (picture.unrest(plane_to_image, y_mm, x_mm) for y_mm in (BEFORE_MM, BEHIND_MM))
    return (before - behind) / (before + behind + UNREST_FLOOR)


def unrest_before(picture: Picture, plane_to_image: np.ndarray, extent: Extent) -> float:
    """Return how much the picture changes between frames before the keys in view, where arms are.

    Parameters
    ----------
    picture, plane_to_image, extent
        As in `player_side`.

    Returns
    -------
    float, grey levels
        Mean distance from the median over time.
    """
    x_mm = np.arange(*extent.ends_mm, 6.0)
    return picture.unrest(plane_to_image, BEFORE_MM, x_mm)


def _nothing_beyond(plan: Plan, camera_mm: np.ndarray, back: Callable[[np.ndarray], np.ndarray], extent: Extent) -> float:
    """Return 1 when the pattern does not go on beyond the ends of the instrument, 0 when it does."""
    sure = 1.0
    for is_end, midi, edge, sign in (
        (extent.is_low_end, extent.first_midi, 0, -1),
        (extent.is_high_end, extent.last_midi, 1, 1),
    ):
        if is_end:
            start = key_edges_mm(midi)[edge] + sign * WHITE_PITCH_MM / 2
            x_mm = np.sort(start + sign * np.arange(0.0, END_MM, STEP_MM))
            x_mm = x_mm[np.isfinite(back(x_mm))]
            if len(x_mm) * STEP_MM > END_MM / 2:
                sure = min(
                    sure, _ramp(float((next(_contrasts(back, x_mm, 0.0)) * _pattern(x_mm, camera_mm)).mean()), *BEYOND_RANGE)
                )
    return sure


def _profile(plan: Plan, rows: np.ndarray, correction: tuple[float, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the grey of some rows as a function of true x (mm), NaN outside the picture."""
    grey = plan.profile(rows)

    def at(x_mm: np.ndarray) -> np.ndarray:
        return np.interp(x_mm + correction_mm(correction, x_mm), X_MM, grey)

    return at


def _side(plan: Plan, correction: tuple[float, ...], x_mm: np.ndarray, dark: float) -> float:
    """Return how clearly the white fronts lie before and not behind the black keys, -1.5..1.5.

    There are two signs: the narrow seams between white keys (black keys mirrored in a fallboard have none), and the brightness
    of the white tails between black keys, which goes on in front of them.
    """
    whites = np.arange(int(x_mm[0] // WHITE_PITCH_MM) + 1, int(x_mm[-1] // WHITE_PITCH_MM))
    tails = np.array([sum(tail_mm(white)) / 2 for white in whites])
    bright = float(np.nanmedian(_profile(plan, BLACK_ROWS, correction)(tails)))
    seams, unlikeness = [], []
    for rows in (FRONT_ROWS, BEYOND_ROWS):
        profile = _profile(plan, rows, correction)
        seams.append(_seam_depth(profile, whites * WHITE_PITCH_MM))
        values = profile(x_mm)
        values = np.where(np.isfinite(values), values, dark)
        unlikeness.append(min(abs(float(np.median(values)) - bright) / max(bright - dark, 1.0), 1.0))
    likeness = (unlikeness[1] - unlikeness[0]) / max(unlikeness[1] + unlikeness[0], UNLIKENESS_FLOOR)
    return (seams[0] - seams[1]) / (seams[0] + seams[1] + SEAM_FLOOR) + 0.5 * likeness


def _seam_depth(profile: Callable[[np.ndarray], np.ndarray], seams_mm: np.ndarray) -> float:
    """Return how dark narrow lines at the white seams are, relative to both sides (median); 0 when nothing is seen."""
    beside = np.minimum(profile(seams_mm - SEAM_REACH_MM), profile(seams_mm + SEAM_REACH_MM))
    at = np.min([profile(seams_mm + shift) for shift in (-1.5, -0.5, 0.5, 1.5)], axis=0)
    depth = (beside - at) / np.maximum(beside, 1.0)
    depth = depth[np.isfinite(depth)]
    return float(np.clip(np.median(depth), 0.0, 0.3)) if len(depth) else 0.0


def _pattern(x_mm: np.ndarray, camera_mm: np.ndarray) -> np.ndarray:
    """Return -1 on black keys and 1 between them at each x (n,); the pattern goes on beyond the ends of a piano."""
    numbers = np.arange(*black_range_mm(x_mm[0] - WHITE_PITCH_MM, x_mm[-1] + WHITE_PITCH_MM))
    left, right = black_edges_mm(numbers, camera_mm)
    is_black = ((x_mm[None] > left[:, None]) & (x_mm[None] < right[:, None])).any(0)
    return np.where(is_black, -1.0, 1.0)


def _agreement(profile: Callable[[np.ndarray], np.ndarray], x_mm: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """Return how much the profile looks like the pattern at each x (n,), -1..1.

    Bright reflections are cut off or left in, whichever fits better: a small bright one makes the white keys beside it look
    dark, but in a wide faint one black keys can still be seen.
    """
    return max((contrast * pattern for contrast in _contrasts(profile, x_mm, USUAL_SHARE)), key=np.mean)


def _contrasts(profile: Callable[[np.ndarray], np.ndarray], x_mm: np.ndarray, share: float) -> Iterator[np.ndarray]:
    """Yield -1 (as dark as what is dark near by) to 1 (as bright as what is bright) at each x; 0 where there is no picture.

    First as it is, then with bright reflections cut off. Dark and bright are the levels below and above which a `share` of the
    places near by lie; 0: the least and the greatest.
    """
    values = profile(x_mm)
    is_visible = np.isfinite(values)
    if not is_visible.any():
        yield np.zeros_like(x_mm)
        return
    values = np.where(is_visible, values, np.median(values[is_visible])).astype(np.float32)
    dark, bright = _range_near(values, share)
    usual_dark, usual_bright = np.median(dark[is_visible]), np.median(bright[is_visible])
    most = usual_dark + GLARE_SHARE * (usual_bright - usual_dark)
    for is_glare_cut in (False, True):
        if is_glare_cut and values.max() > most:
            values = np.minimum(values, most)
            dark, bright = _range_near(values, share)
        half = np.maximum(bright - dark, MIN_CONTRAST_SHARE * (usual_bright - usual_dark)) / 2
        yield np.where(is_visible, np.clip((values - (dark + bright) / 2) / np.maximum(half, 1e-6), -1, 1), 0.0)


def _range_near(values: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the levels below and above which a share of the values (n,) within WINDOW_MM around each one lie, (n,) each."""
    reach = int(WINDOW_MM / STEP_MM / 2)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(values, reach, mode="reflect"), 2 * reach + 1)[:, ::WINDOW_STEP]
    low = int(share * (near.shape[1] - 1))
    levels = np.partition(near, (low, near.shape[1] - 1 - low), axis=1)  # (n, window)
    return levels[:, low], levels[:, -1 - low]


def _ramp(value: float, low: float, high: float) -> float:
    """Return 0 at `low`, 1 at `high`, in between a straight line (low may be the greater one)."""
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
