"""Registration of real frames, where they are at hand: with a keyboard, and without one."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from real_clips import FOLDER, IS_GIVEN, needs_real_clips
from registration_cases import GEOMETRY, PARAMS

from tivit.core.keyboard import CENTER_MM, PITCH_CLASS, PITCH_CLASS_NAMES, WHITE_PITCH_MM, key_of
from tivit.core.registration import correction_mm
from tivit.registration.estimate import estimate
from tivit.registration.find.pattern import is_black_midi, white_midi, white_range


def frames():
    """Return the real frames as parameters; one that stands for them where no folder is given."""
    items = json.loads((FOLDER / "keyboard_corners.json").read_text())["images"] if IS_GIVEN else []
    return [pytest.param(item, id=Path(item["file"]).stem) for item in items] or [None]


@needs_real_clips
@pytest.mark.parametrize("frame", frames())
def test_real_frames(frame):
    """Orientation, white keys in view and black-key centres; where the mirror image is left open, either answer will do."""
    found = estimate([cv2.imread(str(FOLDER / frame["file"]))], PARAMS, GEOMETRY)
    is_mirror_open = "mirror image" in found.doubt
    assert found.status == ("ok" if frame["octave_known"] else "octave_unknown")
    orientation = "rotated" * (frame["player_side"] == "top") + "_" * (frame["player_side"] == "top" and frame["mirrored"])
    orientation = orientation + "mirrored" * frame["mirrored"] or "upright"
    assert found.orientation == orientation or is_mirror_open
    ends = [frame["left_white"], frame["right_white"]]
    ends = ends if orientation in ("upright", "rotated_mirrored") else ends[::-1]
    whites = range(*white_range(found.first_midi, found.last_midi))
    assert len(whites) == frame["n_white_in_quad"]
    found_ends = [white_midi(white) for white in (whites[0], whites[-1])]
    assert [name_like(midi, end) for midi, end in zip(found_ends, ends, strict=True)] == ends or is_mirror_open
    assert np.median(black_errors(found, frame)) < 0.25


def name_like(midi, example):
    """Return a key as `example` writes it: its MIDI number, or the name of its pitch class."""
    return midi if isinstance(example, int) else PITCH_CLASS_NAMES[midi % 12]


def black_errors(found, frame):
    """Return how far measured black keys lie from the nearest ones of their names (any black ones in a mirror), white keys."""
    at = np.array([[x, y, 1] for _, x, y in frame["black_keys_measured"]]) @ np.array(found.homography).T
    seen_mm = at[:, 0] / at[:, 2] / GEOMETRY.px_per_mm_x
    errors = []
    for (name, _, _), x_mm in zip(frame["black_keys_measured"], seen_mm, strict=True):
        if isinstance(name, int):
            keys = np.array([key_of(name)])
        elif "mirror image" in found.doubt:
            keys = np.flatnonzero([is_black_midi(int(midi)) for midi in range(21, 109)])
        else:
            keys = np.flatnonzero(PITCH_CLASS_NAMES.index(name) == PITCH_CLASS)
        places_mm = CENTER_MM[keys] + correction_mm(found.x_correction, CENTER_MM[keys])
        errors.append(np.abs(places_mm - x_mm).min() / WHITE_PITCH_MM)
    return errors


@needs_real_clips
def test_real_frames_without_a_keyboard_are_refused():
    paths = sorted(FOLDER.glob("frames/no_keyboard_*"))
    assert len(paths) == 2
    assert [estimate([cv2.imread(str(path))], PARAMS, GEOMETRY).status for path in paths] == ["refused"] * 2
