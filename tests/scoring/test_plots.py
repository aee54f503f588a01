"""Piano rolls: the same bytes twice, no metadata, the colours of what they show and where, and empty sides."""

import numpy as np
from decoding_cases import random_notes
from PIL import Image

from tivit.core.notes import empty_notes, make_notes
from tivit.core.timegrid import TimeGrid
from tivit.scoring.plots import FOUND, INK, INVENTED, LEFT_PX, MISSED, ROW_PX, TOP_PX, piano_roll, save_png
from tivit.scoring.scores import score_clip

GRID = TimeGrid(30.0, 0.0, 180)


def picture(path, reference, estimate):
    score = score_clip(reference, estimate, GRID)
    save_png(piano_roll(reference, estimate, score.pairs, GRID, "clip"), path)
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    return {colour: int((pixels == np.array(colour)).all(axis=1).sum()) for colour in (FOUND, MISSED, INVENTED)}


def test_the_same_bytes_twice_and_no_metadata(tmp_path):
    notes = random_notes(np.random.default_rng(0), 6.0)
    picture(tmp_path / "a.png", notes, notes.moved(0.02))
    picture(tmp_path / "b.png", notes, notes.moved(0.02))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").info == {}


def test_colours_show_what_was_found_missed_and_invented(tmp_path):
    notes = random_notes(np.random.default_rng(0), 6.0, per_key=1)
    all_found = picture(tmp_path / "found.png", notes, notes)
    none_found = picture(tmp_path / "missed.png", notes, empty_notes())
    all_invented = picture(tmp_path / "invented.png", empty_notes(), notes)
    for counts, colour in ((all_found, FOUND), (none_found, MISSED), (all_invented, INVENTED)):
        assert max(counts, key=counts.get) == colour
        assert counts[colour] > 5 * sum(count for name, count in counts.items() if name != colour)


def test_a_note_lies_at_its_time_and_key():
    notes = make_notes([2.0], [3.0], [60])
    pixels = piano_roll(notes, empty_notes(), np.zeros((0, 2), int), TimeGrid(30.0, 0.5, 301), "clip")
    is_missed = (pixels == np.array(MISSED)).all(axis=2)
    is_missed[:TOP_PX] = False
    rows, columns = np.flatnonzero(is_missed.any(axis=1)), np.flatnonzero(is_missed.any(axis=0))
    roll_px = pixels.shape[1] - LEFT_PX - 10
    assert [rows[0], rows[-1]] == [TOP_PX + 2 * ROW_PX, TOP_PX + 3 * ROW_PX - 1]
    np.testing.assert_allclose([columns[0], columns[-1]], LEFT_PX + np.array([0.15, 0.25]) * roll_px, atol=1.5)


def test_a_found_note_shows_its_true_extent():
    true, early = make_notes([2.0], [3.0], [60]), make_notes([2.0], [2.5], [60])
    pixels = piano_roll(true, early, np.array([[0, 0]]), GRID, "")
    middle = pixels[TOP_PX + 2 * ROW_PX + ROW_PX // 2]
    is_found, is_ink = ((middle == np.array(colour)).all(axis=1) for colour in (FOUND, INK))
    assert np.ptp(np.flatnonzero(is_ink)[[1, -2]]) > 1.8 * is_found.sum() > 0


def test_a_long_clip_keeps_within_the_width():
    notes = make_notes([1.0, 590.0], [2.0, 599.0], [21, 108])
    pixels = piano_roll(notes, notes, np.array([[0, 0], [1, 1]]), TimeGrid(30.0, 0.0, 18_001), "clip")
    assert pixels.shape[1] == 3600 and pixels.shape[0] < 900


def test_nothing_to_show_is_still_a_picture(tmp_path):
    picture(tmp_path / "empty.png", empty_notes(), empty_notes())
    assert (tmp_path / "empty.png").stat().st_size > 0
