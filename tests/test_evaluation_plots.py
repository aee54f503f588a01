"""Pictures: the same bytes twice, no metadata, the colours of what they show, and empty sides."""

import numpy as np
from decoding_cases import random_notes, shifted
from matplotlib.colors import to_rgb
from PIL import Image

from tivit.core.notes import empty_notes
from tivit.core.timegrid import TimeGrid
from tivit.evaluation.plots import FOUND, INVENTED, MISSED, piano_roll, save_png
from tivit.evaluation.scores import score_clip

GRID = TimeGrid(30.0, 0.0, 180)


def picture(path, reference, estimate):
    score = score_clip(reference, estimate, GRID)
    save_png(piano_roll(reference, estimate, score.pairs, GRID, "clip"), path)
    pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    return {
        name: int((pixels == np.round(np.array(to_rgb(name)) * 255)).all(axis=1).sum()) for name in (FOUND, MISSED, INVENTED)
    }


def test_the_same_bytes_twice_and_no_metadata(tmp_path):
    notes = random_notes(np.random.default_rng(0), 6.0)
    picture(tmp_path / "a.png", notes, shifted(notes, 0.02))
    picture(tmp_path / "b.png", notes, shifted(notes, 0.02))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert "Software" not in Image.open(tmp_path / "a.png").info


def test_colours_show_what_was_found_missed_and_invented(tmp_path):
    notes = random_notes(np.random.default_rng(0), 6.0, per_key=1)
    all_found = picture(tmp_path / "found.png", notes, notes)
    none_found = picture(tmp_path / "missed.png", notes, empty_notes())
    all_invented = picture(tmp_path / "invented.png", empty_notes(), notes)
    for counts, colour in ((all_found, FOUND), (none_found, MISSED), (all_invented, INVENTED)):
        assert max(counts, key=counts.get) == colour
        assert counts[colour] > 5 * sum(count for name, count in counts.items() if name != colour)


def test_nothing_to_show_is_still_a_picture(tmp_path):
    picture(tmp_path / "empty.png", empty_notes(), empty_notes())
    assert (tmp_path / "empty.png").stat().st_size > 0
