"""Where the hands are: fingers for the notes, then wrist, knuckle and fingertip paths over time.

Fingers are chosen chord by chord so that the hand moves little and chords are played in finger order. A finger comes down on
its key some time before it presses (resting on it), stays until the release, and goes back to the natural shape of the hand.
Finger 0 is the thumb. World frame in mm as in `core.keyboard`. How deep keys are comes from `kinematics`; hands are painted in
`hands`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tivit.core.heads import LEFT_HAND, RIGHT_HAND
from tivit.core.keyboard import CENTER_MM, IS_BLACK, KEY_TRAVEL_MM, MIDDLE_MM, key_of
from tivit.core.notes import Notes
from tivit.synth.posture import SPREAD_MM, natural_mm

FINGER_COUNT, THUMB = 5, 0
"""Fingers of a hand, and which of them is the thumb."""
CHORD_S = 0.045
"""Onsets closer than this are one chord."""
TIP_RADIUS_MM = 7.0
"""How high the centre of a fingertip is above the key that it lies on."""
SLACK_MM = 16.0
"""How far a hand stays behind the place where its fingers would lie naturally on the keys of a chord."""
STRETCH_MM = 38.0
"""How far a finger can reach sideways from its natural place."""
YAW_WANDER_DEG = 4.0
"""How much the turn of a hand changes while it plays (standard deviation)."""
MAX_YAW_DEG = 45.0
"""Hands are turned at most so far about the vertical: wrists bend no farther."""
REST_REACH_MM = 45.0
"""A finger rests on its next key only while that lies this near to its natural place."""

LEAST_Y_MM = 2.0
"""Fingertips lie at least so far behind the front edge of a key: thumbs lie on its first millimetres."""
SLIP_MM = {False: (1.5, 1.5), True: (3.5, 2.0)}
"""How far a fingertip, or a thumb's (True), slips towards the player on a key that goes down: mean and deviation."""


@dataclass(frozen=True)
class HandStyle:
    """How one player holds a hand.

    Attributes
    ----------
    reach_mm : float, mm
        How much deeper over the keys than is natural the fingers lie.
    lift_mm : float, mm
        How far fingers that play nothing are lifted.
    away_mm : float, mm
        How far the hand is drawn back in long rests.
    rest_s : float, s
        How long, on the average, a finger rests on its key before it presses.
    width : float
        Size of the hand; 1 is that of SPREAD_MM.
    yaw_deg : float, degrees
        How far the hand is turned about the vertical; with positive values the wrist lies outward, away from the middle of the
        keyboard.
    """

    reach_mm: float
    lift_mm: float
    away_mm: float
    rest_s: float
    width: float
    yaw_deg: float


@dataclass(frozen=True)
class HandMotion:
    """One hand over T instants.

    Attributes
    ----------
    hand : int
        LEFT_HAND or RIGHT_HAND.
    center_mm : ndarray, (T, 2), mm
        x of the middle of the hand, and how much deeper than natural it lies.
    tips_mm : ndarray, (T, 5, 3), mm
        Centres of the fingertips, thumb first.
    yaw_rad : ndarray, (T,)
        How far the hand is turned about the vertical; the wrist of a hand with a positive angle lies outward.
    """

    hand: int
    center_mm: np.ndarray
    tips_mm: np.ndarray
    yaw_rad: np.ndarray


def hand_motion(
    rng: np.random.Generator, notes: Notes, depth: np.ndarray, times_s: np.ndarray, style: HandStyle, hand: int
) -> HandMotion:
    """Return the motion of one hand.

    Parameters
    ----------
    rng : np.random.Generator
    notes : Notes
        What this hand plays and touches, and nothing else.
    depth : ndarray, (T, 88)
        How deep every key is, as a fraction of the travel.
    times_s : ndarray, (T,), s
        Instants, ascending.
    style : HandStyle
    hand : int
        LEFT_HAND or RIGHT_HAND.

    Returns
    -------
    HandMotion
    """
    side = 1.0 if hand == RIGHT_HAND else -1.0
    home_mm = MIDDLE_MM + side * rng.uniform(120, 220)
    fingers, centers_mm = assign_fingers(notes, SPREAD_MM * side * style.width, home_mm)
    naturals_mm = CENTER_MM[key_of(notes.midi.astype(int))] - side * style.width * SPREAD_MM[fingers]
    center_x = _center_path(notes, centers_mm, naturals_mm, times_s, home_mm)
    center_x = center_x + _wander(rng, len(times_s), 2.0)
    reach = style.reach_mm + _black_reach(notes, times_s) + _wander(rng, len(times_s), 2.5)
    reach = reach - style.away_mm * _idle(notes, times_s)
    yaw_deg = np.clip(style.yaw_deg + _wander(rng, len(times_s), YAW_WANDER_DEG), -MAX_YAW_DEG, MAX_YAW_DEG)
    natural = natural_mm(side, style.width, np.deg2rad(yaw_deg))
    tips = np.empty((len(times_s), FINGER_COUNT, 3))
    for finger in range(FINGER_COUNT):
        own = notes.take(fingers == finger)
        hover = np.stack(
            [
                center_x + natural[:, finger, 0] + _wander(rng, len(times_s), 1.5),
                natural[:, finger, 1] + reach + _wander(rng, len(times_s), 2.0),
                TIP_RADIUS_MM + style.lift_mm * np.abs(1.0 + _wander(rng, len(times_s), 0.5)),
            ],
            axis=1,
        )
        natural_y = float(natural[:, finger, 1].mean()) + style.reach_mm
        tips[:, finger] = _tip_path(rng, own, depth, times_s, hover, style, finger, natural_y)
    return HandMotion(hand, np.stack([center_x, reach], axis=1), tips, np.deg2rad(yaw_deg))


def assign_fingers(notes: Notes, spread_mm: np.ndarray, home_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the fingers that play notes, and where the hand is for each.

    Chords take fingers in pitch order. Of all choices the one with the least stretch, hand movement and repeated use of one
    finger on different keys wins, chord by chord (greedy over time).

    Parameters
    ----------
    notes : Notes
        N notes of one hand.
    spread_mm : ndarray, (5,), mm
        Natural x of the fingertips relative to the middle of the hand, thumb first; descending for a left hand.
    home_mm : float, mm
        x of the hand before its first note.

    Returns
    -------
    fingers : ndarray, (N,), int, 0..4
        Chords of more than five notes use their last finger more than once.
    centers_mm : ndarray, (N,), mm
        x of the middle of the hand.
    """
    fingers, centers_mm = np.zeros(len(notes), int), np.zeros(len(notes))
    center, previous = home_mm, {}
    start = 0
    while start < len(notes):
        end = start + 1
        while end < len(notes) and notes.onset_s[end] - notes.onset_s[start] < CHORD_S:
            end += 1
        index = np.arange(start, end)[np.argsort(notes.midi[start:end], kind="stable")]
        x_mm = CENTER_MM[key_of(notes.midi[index].astype(int))]
        best_cost, best = np.inf, ((), center)
        for choice in combinations(range(FINGER_COUNT), min(len(index), FINGER_COUNT)):
            ordered = choice if spread_mm[0] < spread_mm[-1] else choice[::-1]
            picked = [ordered[min(i, len(ordered) - 1)] for i in range(len(index))]
            # Each finger wants the hand where it would lie naturally on its key. The hand goes near to the mean of these, but
            # no farther than it must.
            wanted = x_mm - spread_mm[picked]
            new_center = wanted.mean() + np.clip(center - wanted.mean(), -SLACK_MM, SLACK_MM)
            # Costs are in mm squared: the stretch of the fingers, the way of the hand, a finger that jumps, and a little for
            # the thumb.
            cost = 2.0 * np.sum((wanted - new_center) ** 2) / len(index) + (new_center - center) ** 2
            for finger, x in zip(picked, x_mm, strict=True):
                cost += 900.0 * (finger in previous and abs(previous[finger] - x) > 1.0)
                cost += 150.0 * (finger == 0)
            if cost < best_cost:
                best_cost, best = cost, (tuple(picked), float(new_center))
        center = best[1]
        fingers[index], centers_mm[index] = best[0], center
        previous = dict(zip(best[0], x_mm.tolist(), strict=True))
        start = end
    return fingers, centers_mm


def _center_path(
    notes: Notes, centers_mm: np.ndarray, naturals_mm: np.ndarray, times_s: np.ndarray, home_mm: float
) -> np.ndarray:
    """Return x (mm) of the middle of the hand over time, (T,).

    It is at `centers_mm` (N,) at the presses, and kept within reach of keys that are held, on which fingers would lie naturally
    with the hand at `naturals_mm` (N,).
    """
    if not len(notes):
        return np.full(len(times_s), home_mm)
    arrive_s, index = np.unique(notes.onset_s - 0.05, return_index=True)
    next_s = np.append(arrive_s[1:], np.inf)
    leave_s = np.clip(
        notes.offset_s[index] - 0.02, arrive_s + 0.3 * (np.minimum(next_s, arrive_s + 1.0) - arrive_s), next_s - 0.01
    )
    knots_s = np.stack([arrive_s, leave_s], axis=1).ravel()
    path = np.interp(times_s, knots_s, np.repeat(centers_mm[index], 2))
    # The bounds within which all fingers on held keys still reach them; where they contradict each other, half way between.
    low, high = np.full(len(times_s), -1e6), np.full(len(times_s), 1e6)
    for i in range(len(notes)):
        held = slice(*np.searchsorted(times_s, [notes.onset_s[i] - 0.05, notes.offset_s[i]]))
        low[held] = np.maximum(low[held], naturals_mm[i] - STRETCH_MM)
        high[held] = np.minimum(high[held], naturals_mm[i] + STRETCH_MM)
    path = np.where(low <= high, np.clip(path, low, high), (low + high) / 2)
    return _smoothed(path, 9)


def _idle(notes: Notes, times_s: np.ndarray) -> np.ndarray:
    """Return how far a hand has left the keys in a long rest, 0..1, shape (T,)."""
    if not len(notes):
        return np.ones(len(times_s))
    last_end_s = np.maximum.accumulate(notes.offset_s)
    after = np.searchsorted(notes.onset_s, times_s)
    until_s = np.append(notes.onset_s, np.inf)[after] - times_s
    since_s = times_s - np.append(-np.inf, last_end_s)[after]
    u = np.clip((np.minimum(until_s, since_s) - 0.5) / 0.6, 0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)


def _black_reach(notes: Notes, times_s: np.ndarray) -> np.ndarray:
    """Return how far (mm) the hand moves in for black keys, shape (T,)."""
    black = notes.take(IS_BLACK[key_of(notes.midi.astype(int))])
    if not len(notes):
        return np.zeros(len(times_s))
    weight = np.zeros(len(times_s))
    for onset_s, offset_s in zip(black.onset_s, black.offset_s, strict=True):
        weight = np.maximum(weight, _trapezoid(times_s, onset_s, offset_s, 0.25))
    return 18.0 * _smoothed(weight, 7)


def _tip_path(
    rng: np.random.Generator,
    notes: Notes,
    depth: np.ndarray,
    times_s: np.ndarray,
    hover: np.ndarray,
    style: HandStyle,
    finger: int,
    natural_y: float,
) -> np.ndarray:
    """Return the path (T, 3), mm, of a finger: `hover` (T, 3), and its keys where it rests on them or presses them.

    The y (mm) at which it would lie naturally is `natural_y`.

    The height of a pressing tip follows `depth`, so finger and key move together.
    """
    if not len(notes):
        return hover
    keys = key_of(notes.midi.astype(int))
    black = IS_BLACK[keys]
    count = len(notes)
    x = CENTER_MM[keys] + np.where(black, rng.normal(0, 1.2, count), rng.normal(0, 3.5, count))
    on_black = np.maximum(natural_y + rng.uniform(8, 24), rng.uniform(54, 76, count))
    y = np.where(black, on_black, np.clip(natural_y + rng.normal(0, 5, count), LEAST_Y_MM, 125))
    x = np.where(~black & (y > 50) & (np.abs(x - CENTER_MM[keys]) > 2.0), CENTER_MM[keys], x)
    # From just before each press to its release the tip stays over its key; in between it moves straight to the next one.
    knots_s = np.stack([notes.onset_s - 0.06, np.maximum(notes.offset_s, notes.onset_s - 0.05)], axis=1).ravel()
    knots_s = np.maximum.accumulate(knots_s)
    slip = np.clip(rng.normal(*SLIP_MM[finger == THUMB], count), -2.0, 9.0)
    target_x, target_y, slip = (np.interp(times_s, knots_s, np.repeat(v, 2)) for v in (x, y, slip))
    weight, press = np.zeros(len(times_s)), np.zeros(len(times_s))
    for i in range(count):
        early_s = 0.05 + rng.exponential(style.rest_s)
        # Resting needs the key to be near the natural place of the finger; a press takes the finger there in any case.
        near = np.clip(1.5 - np.abs(hover[:, 0] - x[i]) / REST_REACH_MM, 0.0, 1.0)
        resting = near * _trapezoid(times_s, notes.onset_s[i] - early_s, notes.offset_s[i], 0.13)
        pressing = _trapezoid(times_s, notes.onset_s[i] - 0.05, notes.offset_s[i] - 0.02, 0.08)
        weight = np.maximum(weight, np.maximum(resting, pressing))
        inside = (times_s > notes.onset_s[i] - 0.12) & (times_s < notes.offset_s[i] + 0.15)
        press = np.where(inside, np.maximum(press, depth[:, keys[i]]), press)
    top = np.interp(times_s, knots_s, np.repeat(np.where(black, 12.0, 0.0), 2))
    down_z = top + TIP_RADIUS_MM - press * KEY_TRAVEL_MM
    target = np.stack([target_x, target_y - slip * press, down_z], axis=1)
    return weight[:, None] * target + (1.0 - weight[:, None]) * hover


def _trapezoid(times_s: np.ndarray, start_s: float, end_s: float, ramp_s: float) -> np.ndarray:
    """Return 1 within [start, end], falling smoothly to 0 over `ramp_s` on both sides, shape (T,)."""
    u = np.clip(1.0 - np.maximum(start_s - times_s, times_s - end_s) / ramp_s, 0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)


def _smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """Return values (T,) averaged over a Hann window of `width` (odd), ends repeated."""
    kernel = np.hanning(width + 2)[1:-1]
    padded = np.pad(values, width // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def _wander(rng: np.random.Generator, count: int, deviation: float) -> np.ndarray:
    """Return slow random drift with the given standard deviation, shape (count,)."""
    # One knot every 12 instants, straight lines between them.
    knots = rng.normal(0.0, deviation, count // 12 + 3)
    return np.interp(np.arange(count) / 12.0, np.arange(len(knots)), knots)


HANDS = (LEFT_HAND, RIGHT_HAND)
