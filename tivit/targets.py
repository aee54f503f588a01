"""From notes on a time grid to what the heads should say, frame by frame, and back.

`pitch` is 1 while a key is down: in frames whose instant lies in [onset, offset), and for a note without such a frame in the
one nearest the onset, so that no note vanishes. `onset` and `offset` are triangles of height 1 around the exact, fractional
frame position of the event, so the peak keeps the timing below one frame. `hand` and `clef` exist only where a key is down and
the label is known. `velocity` (MIDI velocity / 128) exists only where the onset triangle is above 0, and comes from the note
whose triangle it is, if its velocity is known. Everything is relative to the grid given: another window start gives other
targets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tivit.core.heads import EVENT_HEADS, HEAD_NAMES, UNKNOWN, VELOCITY, VELOCITY_SCALE
from tivit.core.keyboard import KEY_COUNT, key_of, midi_of
from tivit.core.notes import Notes, make_notes
from tivit.core.rolls import first_frame
from tivit.core.timegrid import TimeGrid


@dataclass(frozen=True)
class Targets:
    """Targets of one window of T frames.

    Attributes
    ----------
    values : dict of str to ndarray of float32, shape (T, 88)
        Name of a head -> target, 0..1.
    masks : dict of str to ndarray of bool, shape (T, 88)
        Name of a head -> True where it is supervised. The event heads have no mask and are supervised everywhere.
    """

    values: dict[str, np.ndarray]
    masks: dict[str, np.ndarray]


def make_targets(notes: Notes, grid: TimeGrid, ramp_frames: float) -> Targets:
    """Return the targets of notes on a time grid.

    Parameters
    ----------
    notes : Notes
        Notes in seconds of the grid's clock. Those outside the grid are ignored, and those across its border are cut.
    grid : TimeGrid
        The window: its start and length decide what is seen.
    ramp_frames : float
        Half width (frames, > 0) of the triangle around an onset or offset: the value is max(0, 1 - |k - event| / ramp_frames).

    Returns
    -------
    Targets
        The targets of every head, T = grid.length.
    """
    values = {name: np.zeros((grid.length, KEY_COUNT), np.float32) for name in HEAD_NAMES}
    masks = {name: np.zeros((grid.length, KEY_COUNT), bool) for name in HEAD_NAMES if name not in EVENT_HEADS}
    if grid.length == 0:
        return Targets(values, masks)
    onset_frame, offset_frame = grid.frame(notes.onset_s), grid.frame(notes.offset_s)
    labels = {"hand": notes.hand, "clef": notes.staff}
    inside = (offset_frame > -ramp_frames) & (onset_frame < grid.length - 1 + ramp_frames)
    for i in np.flatnonzero(inside):
        key = int(key_of(notes.midi[i]))
        # Where triangles of one key overlap the higher one stays, and `struck` is where this note has won: only there may it
        # say its velocity.
        struck = _raise_triangle(values["onset"][:, key], onset_frame[i], ramp_frames)
        values[VELOCITY][struck, key] = max(notes.velocity[i], 0) / VELOCITY_SCALE
        masks[VELOCITY][struck, key] = notes.velocity[i] != UNKNOWN
        _raise_triangle(values["offset"][:, key], offset_frame[i], ramp_frames)
        first, last = down_frames(onset_frame[i], offset_frame[i])
        down = slice(max(first, 0), max(last + 1, 0))
        values["pitch"][down, key] = 1.0
        for head, label in labels.items():
            if label[i] != UNKNOWN:
                values[head][down, key] = label[i]
                masks[head][down, key] = True
    return Targets(values, masks)


def down_frames(onset_frame: float, offset_frame: float) -> tuple[int, int]:
    """Return the frames in which a key is down: those of `core.rolls`, or the one nearest the onset where there are none.

    A note between two frames is no frame to a score, but a model that is told nothing of it would learn that it is not there.

    Parameters
    ----------
    onset_frame, offset_frame : float
        Fractional frame positions of the onset and the offset.

    Returns
    -------
    first, last : int
        The first and the last frame, both included; they may lie outside a grid.
    """
    first, last = int(first_frame(onset_frame)), int(first_frame(offset_frame)) - 1
    if last < first:
        first = last = int(np.round(onset_frame))
    return first, last


def notes_of_roll(pitch: np.ndarray, grid: TimeGrid) -> Notes:
    """Return the notes in a piano roll, one per run of frames in which a key is down.

    Parameters
    ----------
    pitch : ndarray, shape (T, 88)
        The roll; a key is down where it is above 0.5.
    grid : TimeGrid
        Its T = grid.length instants.

    Returns
    -------
    Notes
        Each begins at the first frame of its run and ends at the frame after the last.
    """
    is_down = np.zeros((grid.length + 2, KEY_COUNT), np.int8)  # up before the first frame and after the last
    is_down[1:-1] = pitch > 0.5
    change = np.diff(is_down, axis=0).T
    key, first = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    return make_notes(grid.time_s(first), grid.time_s(end), midi_of(key))


def _raise_triangle(column: np.ndarray, center_frame: float, ramp_frames: float) -> np.ndarray:
    """Draw a triangle into `column` where it is higher than what stands there; return the frames where it is."""
    first = max(int(np.ceil(center_frame - ramp_frames)), 0)
    end = max(min(int(np.floor(center_frame + ramp_frames)) + 1, len(column)), first)
    frames = np.arange(first, end)
    height = (1.0 - np.abs(frames - center_frame) / ramp_frames).astype(np.float32)
    is_higher = height > column[first:end]
    column[frames[is_higher]] = height[is_higher]
    return frames[is_higher]
