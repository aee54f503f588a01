"""Notes that settle while logits come in are those of the whole clip, whatever the windows."""

from dataclasses import replace

import numpy as np
import pytest
from decoding_cases import THRESHOLDS, noisy_logits, random_notes

from tivit.core.params import section
from tivit.core.timegrid import TimeGrid
from tivit.decoding.notes import decode_notes
from tivit.theory.key import DecodeParams
from tivit.transcription.settled import SettledNotes

FPS, LENGTH_S = 30.0, 60.0
GRID = TimeGrid(FPS, 2.5, int(LENGTH_S * FPS))


def streamed(heads, thresholds, window, decode=None):
    stream = SettledNotes(FPS, GRID.start_s, thresholds, decode, keep=False)
    early = []
    for first in range(0, GRID.length, window):
        stream.add({name: rows[first : first + window] for name, rows in heads.items()})
        early.append(len(stream.notes(rest=False)[0]))
    return stream, early


@pytest.mark.parametrize(("seed", "window"), [(0, 37), (1, 200), (2, 512)])
def test_streamed_notes_are_those_of_the_whole_clip(seed, window):
    rng = np.random.default_rng(seed)
    notes = random_notes(rng, LENGTH_S, per_key=6)
    heads = noisy_logits(replace(notes.moved(GRID.start_s)), GRID, rng, 0.7)
    thresholds = replace(THRESHOLDS, onset=replace(THRESHOLDS.onset, lag_s=-0.02), pitch=replace(THRESHOLDS.pitch, lag_s=0.03))
    whole = decode_notes(heads, GRID, thresholds)
    stream, early = streamed(heads, thresholds, window)
    got, confidence = stream.notes(rest=True)
    assert len(whole) > 100 and early[len(early) // 2] > 0
    for name in ("onset_s", "offset_s"):
        np.testing.assert_allclose(getattr(got, name), getattr(whole, name), atol=1e-9)
    for name in ("midi", "velocity", "hand", "staff"):
        np.testing.assert_array_equal(getattr(got, name), getattr(whole, name))
    assert len(confidence.onset) == len(got) and (confidence.hand >= 0.5).all()


def test_a_key_held_throughout_keeps_what_it_needs_and_is_closed_at_the_end():
    rng = np.random.default_rng(3)
    notes = random_notes(rng, LENGTH_S, per_key=1)
    held = int(np.argmax(notes.offset_s - notes.onset_s))
    heads = noisy_logits(notes.moved(GRID.start_s), GRID, rng, 0.3)
    key = int(notes.midi[held]) - 21
    first = int(notes.onset_s[held] * FPS) + 2
    heads["pitch"][first:, key], heads["offset"][first:, key], heads["onset"][first:, key] = 5.0, -9.0, -9.0
    whole = decode_notes(heads, GRID, THRESHOLDS)
    got, _ = streamed(heads, THRESHOLDS, 90)[0].notes(rest=True)
    np.testing.assert_allclose(got.offset_s, whole.offset_s, atol=1e-9)
    assert got.offset_s.max() == pytest.approx(GRID.end_s, abs=0.1)


@pytest.mark.parametrize("is_rescored", [True, False])
def test_what_needs_the_whole_clip_settles_nothing_before_the_end(is_rescored):
    from paths import PARAMS_FILE

    from tivit.core.params import load

    rng = np.random.default_rng(4)
    heads = noisy_logits(random_notes(rng, LENGTH_S).moved(GRID.start_s), GRID, rng, 0.5)
    decode = replace(section(load(PARAMS_FILE), "decode", DecodeParams), lambda_key=0.5) if is_rescored else None
    thresholds = THRESHOLDS if is_rescored else replace(THRESHOLDS, rules=replace(THRESHOLDS.rules, decoder="states"))
    stream, early = streamed(heads, thresholds, 300, decode)
    assert set(early) == {0} and len(stream.notes(rest=True)[0]) > 10


def test_a_clip_without_notes_has_none():
    stream, _ = streamed(
        {name: np.full((GRID.length, 88), -9.0, np.float32) for name in ("pitch", "onset", "offset")}, THRESHOLDS, 300
    )
    notes, confidence = stream.notes(rest=True)
    assert len(notes) == len(confidence.onset) == 0
