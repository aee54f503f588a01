"""What a network is sure of in a clip: which notes, and which frames are masked."""

from dataclasses import replace

import numpy as np
from decoding_cases import THRESHOLDS

from tivit.adaptation.labels import DOWN, RAMP_FRAMES, SURE, SURE_NOT, sure_labels
from tivit.core.heads import EVENT_HEADS
from tivit.core.keyboard import KEY_COUNT
from tivit.core.notes import make_notes
from tivit.core.probability import logit
from tivit.core.timegrid import TimeGrid
from tivit.targets import make_targets

GRID = TimeGrid(30.0, 5.0, 90)
EVERY_KEY = np.ones(KEY_COUNT, bool)
SURE_MIDI, HALF_SURE_MIDI = 60, 64


def heads(peaks: dict[int, float]) -> dict[str, np.ndarray]:
    """Return the logits of one note per key from 6 to 7 s, whose onset has the probability given."""
    midi = np.array(sorted(peaks))
    notes = make_notes(np.full(len(midi), 6.0), np.full(len(midi), 7.0), midi)
    values = make_targets(notes, GRID, RAMP_FRAMES).values
    result = {name: 0.01 + 0.95 * values[name].astype(float) for name in EVENT_HEADS}
    for number, peak in peaks.items():
        result["onset"][:, number - 21] *= peak / 0.96
    return {name: logit(value).astype(np.float32) for name, value in result.items()}


def test_only_sure_notes_are_learned_from():
    labels = sure_labels(heads({SURE_MIDI: 0.95, HALF_SURE_MIDI: SURE - 0.1}), GRID, THRESHOLDS, EVERY_KEY)
    assert labels.notes.midi.tolist() == [SURE_MIDI]
    np.testing.assert_allclose(labels.notes.onset_s, 6.0, atol=0.01)


def test_a_press_that_is_half_seen_counts_neither_for_nor_against():
    labels = sure_labels(heads({SURE_MIDI: 0.95, HALF_SURE_MIDI: 0.6}), GRID, THRESHOLDS, EVERY_KEY)
    onset, at = labels.masks["onset"], 30
    assert onset[at, SURE_MIDI - 21] and not onset[at, HALF_SURE_MIDI - 21]
    assert onset[at - 10 : at - 3].all()
    pitch = labels.masks["pitch"]
    assert pitch[35:55, SURE_MIDI - 21].all() and not pitch[35:55, HALF_SURE_MIDI - 21].any()


def test_a_threshold_above_sure_is_kept():
    strict = replace(THRESHOLDS, onset=replace(THRESHOLDS.onset, threshold=0.97, hold=0.97))
    assert len(sure_labels(heads({SURE_MIDI: 0.95}), GRID, strict, EVERY_KEY).notes) == 0


def test_keys_out_of_view_are_not_learned_from():
    in_view = EVERY_KEY.copy()
    in_view[HALF_SURE_MIDI - 21 :] = False
    labels = sure_labels(heads({SURE_MIDI: 0.95}), GRID, THRESHOLDS, in_view)
    assert not any(labels.masks[name][:, ~in_view].any() for name in EVENT_HEADS)
    assert all(labels.masks[name][:, in_view].any() for name in EVENT_HEADS)


def test_a_window_has_the_targets_and_masks_of_its_frames():
    labels = sure_labels(heads({SURE_MIDI: 0.95}), GRID, THRESHOLDS, EVERY_KEY)
    targets, masks = labels.window(25, 20)
    assert targets.values["onset"].shape == masks["onset"].shape == (20, KEY_COUNT)
    assert targets.values["onset"][5, SURE_MIDI - 21] > 0.9
    np.testing.assert_array_equal(masks["pitch"], labels.masks["pitch"][25:45])


def test_the_bounds_are_in_order():
    assert 0.0 < SURE_NOT < DOWN < SURE < 1.0
