"""Hand landmarks by frame (PianoVAM's `Handskeleton`), and which hand plays each note by the nearest fingertip.

The file is a mapping of frame numbers, at 60 frames per second, to {"Left": ..., "Right": ...}. Each hand is null or 21 points
[x, y, z] in MediaPipe's order, with x and y as shares of the picture's width and height. It is JSON and is never unpickled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tivit.core.errors import InputError
from tivit.core.heads import LEFT_HAND, RIGHT_HAND, UNKNOWN
from tivit.core.keyboard import CENTER_MM, WHITE_LENGTH_MM, WHITE_PITCH_MM, key_of
from tivit.core.notes import Notes
from tivit.core.registration import Registration, correction_mm
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.datasets.text import line_of_key, read_records

SKELETON_FPS = 60.0
"""Frames per second by which the file numbers its frames, from the start of the video on."""
HANDS = {"Left": LEFT_HAND, "Right": RIGHT_HAND}
LANDMARKS = 1 + 5 * 4
"""Points per hand: the wrist, and four for each finger."""
FINGERTIPS = slice(4, LANDMARKS, 4)
"""The last of the four points of each finger, thumb first."""
SHARES = (-1.0, 2.0)
"""Range of x and y: landmarks may be guessed somewhat outside the picture (0..1), and what lies farther out is damage."""
MAX_DIGITS = 7
"""A frame number has at most so many digits, which is more than a day."""
LOOK_S = 0.05
"""Frames at most this far from an onset (s) are looked at."""
REACH_MM = 0.75 * WHITE_PITCH_MM
"""How far from a key's centre the fingertip that plays it is usually seen (standard deviation, mm)."""
NEITHER = 0.1
"""Weight of "neither hand": that of a fingertip about two such standard deviations away."""


@dataclass(frozen=True)
class Skeleton:
    """The fingertips in a clip.

    Attributes
    ----------
    frames : ndarray of int, shape (F,)
        Numbers of the frames, ascending, at 60 frames per second.
    tips : ndarray of float, shape (F, 2, 5, 2)
        Frame, hand (left, right), finger (from the thumb on), and x and y as shares of the picture's width and height; NaN
        where a frame does not show the hand.
    """

    frames: np.ndarray
    tips: np.ndarray


@dataclass(frozen=True)
class HandLabels:
    """Which hand plays each of N notes.

    Attributes
    ----------
    hand : ndarray of int, shape (N,)
        0 left, 1 right, or -1 where it is not sure enough.
    confidence : ndarray of float, shape (N,)
        0..1.
    is_known : ndarray of bool, shape (N,)
        True where the hand is sure enough to be a label.
    """

    hand: np.ndarray
    confidence: np.ndarray
    is_known: np.ndarray


def read_skeleton(path: Path) -> Skeleton:
    """Return the fingertips in a Handskeleton file.

    Parameters
    ----------
    path : Path
        The JSON file.

    Returns
    -------
    Skeleton
        The fingertips, frames in ascending order.

    Raises
    ------
    InputError
        The file is missing or damaged, or a frame is not what it should be. The message names file, line and frame.
    """
    value = read_records(path)
    if not isinstance(value, dict) or not value:
        raise InputError(f"{path}, line 1: expected a mapping of frames, found {type(value).__name__}")
    frames = {}
    for key, hands in value.items():
        if not (key.isascii() and key.isdecimal()) or len(key) > MAX_DIGITS or int(key) in frames:
            raise InputError(f"{_where(path, key)}: not a frame number of its own")
        if not isinstance(hands, dict) or set(hands) != set(HANDS):
            raise InputError(f"{_where(path, key)}: expected {' and '.join(HANDS)}, found {hands!r:.60}")
        frames[int(key)] = np.stack([_tips(path, key, name, hands[name]) for name in HANDS])
    order = np.array(sorted(frames))
    return Skeleton(order, np.stack([frames[frame] for frame in order.tolist()]))


def hands_of_notes(
    notes: Notes, skeleton: Skeleton, registration: Registration, geometry: StripGeometry, min_confidence: float
) -> HandLabels:
    """Return which hand plays each note, by whose fingertip is nearest to its key around its onset.

    A hand's fingertip at a distance of d mm from the key weighs exp(-d^2 / (2 REACH_MM^2)), no hand at all weighs NEITHER,
    and the confidence is the share of the heavier hand. Distances are medians over the frames that show the hand.

    Parameters
    ----------
    notes : Notes
        N notes, at the times at which the video shows them (s of its clock).
    skeleton : Skeleton
        The fingertips of the clip.
    registration : Registration
        Where the keyboard is in its frames.
    geometry : StripGeometry
        The raster of the strip that the registration leads to.
    min_confidence : float
        Below this (0..1) a hand is unknown.

    Returns
    -------
    HandLabels
        The hand of each note.
    """
    times_s = np.asarray(TimeGrid(SKELETON_FPS, 0.0, 0).time_s(skeleton.frames))
    first, last = (
        np.searchsorted(times_s, notes.onset_s + shift, side) for shift, side in ((-LOOK_S, "left"), (LOOK_S, "right"))
    )
    weights = np.zeros((len(notes), len(HANDS)))  # (N, 2)
    for i in range(len(notes)):
        held = registration.at(float(notes.onset_s[i]))
        x_mm = CENTER_MM[key_of(int(notes.midi[i]))]
        # The homography leads to the plane as the lens shows it, so the true x of the key is moved there too.
        plane_mm = float(x_mm + correction_mm(held.x_correction, x_mm))
        off_mm = _distances_mm(skeleton.tips[first[i] : last[i]], plane_mm, held, geometry)  # (frames looked at, 2)
        for hand in range(len(HANDS)):
            distances_mm = off_mm[:, hand][np.isfinite(off_mm[:, hand])]
            weights[i, hand] = np.exp(-0.5 * (np.median(distances_mm) / REACH_MM) ** 2) if distances_mm.size else 0.0
    confidence = weights.max(axis=1) / (weights.sum(axis=1) + NEITHER)
    is_known = confidence >= min_confidence
    best = np.array(list(HANDS.values()))[weights.argmax(axis=1)]
    return HandLabels(np.where(is_known, best, UNKNOWN), confidence, is_known)


def _distances_mm(tips: np.ndarray, plane_mm: float, held: Registration, geometry: StripGeometry) -> np.ndarray:
    """Return each hand's nearest fingertip to a key at `plane_mm` (F, 2): along the keys, plus how far it is off them; mm."""
    height, width = held.source_hw
    image = np.concatenate([tips * (width, height), np.ones((*tips.shape[:-1], 1))], axis=-1)  # (F, 2, 5, 3)
    strip = image @ np.array(held.homography).T
    strip = strip[..., :2] / strip[..., 2:]
    x_mm, y_mm = strip[..., 0] / geometry.px_per_mm_x, geometry.y_back_mm - strip[..., 1] / geometry.px_per_mm_y
    off_keys_mm = np.maximum(0.0, np.maximum(-y_mm, y_mm - WHITE_LENGTH_MM))
    # Over the five fingers; NaN remains where a frame does not show the hand.
    return np.fmin.reduce(np.hypot(x_mm - plane_mm, off_keys_mm), axis=-1)


def _tips(path: Path, key: str, name: str, points: object) -> np.ndarray:
    """Return the fingertips of one hand in one frame, (5, 2); NaN without the hand, InputError for anything but its points."""
    if points is None:
        return np.full((5, 2), np.nan)
    rows = points if isinstance(points, list) else []
    is_table = len(rows) == LANDMARKS and all(isinstance(row, list) and len(row) == 3 for row in rows)
    if not is_table or any(type(value) not in (int, float) for row in rows for value in row):
        raise InputError(
            f"{_where(path, key)}, {name}: expected null or {LANDMARKS} points of three numbers, found {points!r:.60}"
        )
    try:
        table = np.array(rows, float)
    except OverflowError:
        raise InputError(f"{_where(path, key)}, {name}: a coordinate is too large a number") from None
    plane = table[:, :2]
    if not np.isfinite(table).all() or plane.min() < SHARES[0] or plane.max() > SHARES[1]:
        raise InputError(f"{_where(path, key)}, {name}: a coordinate is outside {SHARES[0]:g}..{SHARES[1]:g}")
    return plane[FINGERTIPS]


def _where(path: Path, key: str) -> str:
    line = line_of_key(path.read_text(encoding="utf-8-sig"), key)
    return f"{path}, line {line}, frame {key!r:.20}"
