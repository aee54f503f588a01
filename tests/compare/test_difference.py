"""The difference baseline on drawn strips: a pressed key is found where and when it goes down, a still keyboard is silent."""

import numpy as np
import pytest
from decoding_cases import THRESHOLDS
from model_cases import ALL_KEYS, GEOMETRY

from tivit.compare.difference import BAND_MM, difference_heads, key_darkening
from tivit.core.keyboard import IS_BLACK, LEFT_MM, RIGHT_MM, TAIL_LEFT_MM, TAIL_RIGHT_MM, key_of
from tivit.core.timegrid import TimeGrid
from tivit.decoding.notes import decode_notes

LENGTH = 60


def keyboard():
    """Return the picture of a still keyboard, uint8 (32, 416): bright with dark black keys."""
    image = np.full((GEOMETRY.height_px, GEOMETRY.width_px), 200, np.uint8)
    front_row = int(GEOMETRY.row_px(55.0))
    for key in np.flatnonzero(IS_BLACK):
        first, last = GEOMETRY.column_px(np.array([LEFT_MM[key], RIGHT_MM[key]])).round().astype(int)
        image[:front_row, first:last] = 60
    return image


def strip(*presses):
    """Return a strip of 60 frames; each press (midi, first frame, last frame) darkens the back of its key by 40 levels."""
    frames = np.repeat(keyboard()[None], LENGTH, axis=0)
    rows = slice(*GEOMETRY.row_px(np.array(BAND_MM[::-1])).round().astype(int))
    for midi, first, last in presses:
        key = key_of(midi)
        columns = slice(*GEOMETRY.column_px(np.array([TAIL_LEFT_MM[key], TAIL_RIGHT_MM[key]])).round().astype(int))
        frames[first:last, rows, columns] -= 40
    return frames


def notes_of(frames, fps=30.0, in_view=ALL_KEYS):
    grid = TimeGrid(fps, 2.0, len(frames))
    return decode_notes(difference_heads(frames, grid, GEOMETRY, in_view), grid, THRESHOLDS)


@pytest.mark.parametrize("midi", [40, 61])
def test_a_pressed_key_is_found_at_its_time(midi):
    notes = notes_of(strip((midi, 20, 40)))
    assert notes.midi.tolist() == [midi]
    assert notes.onset_s[0] == pytest.approx(2.0 + 20 / 30, abs=0.03)
    assert notes.offset_s[0] == pytest.approx(2.0 + 40 / 30, abs=0.06)
    assert notes.hand.tolist() == notes.staff.tolist() == [-1]


def test_a_still_keyboard_is_silent():
    heads = difference_heads(strip(), TimeGrid(30.0, 0.0, LENGTH), GEOMETRY, ALL_KEYS)
    assert all((rows < -5.0).all() and rows.shape == (LENGTH, 88) and rows.dtype == np.float32 for rows in heads.values())
    assert len(notes_of(strip())) == 0


def test_what_becomes_brighter_is_no_press():
    assert len(notes_of(255 - strip((40, 20, 40)))) == 0


def test_darkening_is_in_units_of_contrast_and_of_its_own_key():
    darkening = key_darkening(strip((60, 10, 25)), GEOMETRY)
    key = key_of(60)
    assert darkening[:10].max() == darkening[25:].max() == 0.0
    assert darkening[10:25, key] == pytest.approx(40 / keyboard().std(), rel=0.2)
    assert np.delete(darkening, key, axis=1).max() < 0.2 * darkening[:, key].max()


def test_smoothing_is_a_time_and_not_a_number_of_frames():
    slow, fast = (
        difference_heads(strip((40, 20, 40)), TimeGrid(fps, 0.0, LENGTH), GEOMETRY, ALL_KEYS) for fps in (30.0, 120.0)
    )
    assert (slow["pitch"] > 0).sum() < (fast["pitch"] > 0).sum()


def test_keys_out_of_view_do_not_count_in_the_spread():
    frames = strip((70, 20, 40))
    in_view = np.arange(88) >= key_of(60)
    frames[::2, :, : int(GEOMETRY.column_px(LEFT_MM[key_of(58)]))] = 0
    assert 70 in notes_of(frames, in_view=in_view).midi.tolist()


def test_one_frame_has_logits():
    heads = difference_heads(strip()[:1], TimeGrid(30.0, 0.0, 1), GEOMETRY, ALL_KEYS)
    assert {name: rows.shape for name, rows in heads.items()} == dict.fromkeys(("pitch", "onset", "offset"), (1, 88))
