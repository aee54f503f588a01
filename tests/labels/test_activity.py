"""What is seen of each key: changes that are its own, each counted once however long the strip is."""

import numpy as np
from model_cases import GEOMETRY

from tivit.core.keyboard import KEY_COUNT, key_of
from tivit.core.notes import make_notes
from tivit.labels.activity import CHUNK_FRAMES, ONSET_LEAD_S, RELEASE_LEAD_S, events_of, key_change

EVERY = np.ones(KEY_COUNT, bool)


def test_what_all_keys_share_is_no_change():
    frames = (100 + 20 * (np.arange(20) % 2)).astype(np.uint8)[:, None, None] * np.ones((1, 32, 416), np.uint8)
    assert key_change(frames, GEOMETRY, EVERY).max() < 1e-3


def test_a_long_strip_in_parts_has_every_change_once(monkeypatch):
    frames = np.random.default_rng(0).integers(0, 255, (CHUNK_FRAMES + 40, 32, 416)).astype(np.uint8)
    whole = key_change(frames, GEOMETRY, EVERY)
    monkeypatch.setattr("tivit.labels.activity.CHUNK_FRAMES", 7)
    assert len(whole) == len(frames) - 1
    np.testing.assert_allclose(key_change(frames, GEOMETRY, EVERY), whole, atol=1e-3)


def test_events_lie_where_the_keys_move_and_only_keys_in_view_count():
    onsets, releases = events_of(make_notes([1.0, 2.0], [1.5, 2.5], [30, 90]), np.arange(KEY_COUNT) < 40)
    assert onsets.time_s.tolist() == [1.0 - ONSET_LEAD_S] and releases.time_s.tolist() == [1.5 - RELEASE_LEAD_S]
    assert onsets.key.tolist() == releases.key.tolist() == [key_of(30)]
    assert onsets.weight > releases.weight
