"""The hidden Markov model over keys, against every path of short sequences."""

from itertools import product

import numpy as np
import pytest

from tivit.theory.profiles import KEY_NAMES
from tivit.theory.smoothing import KEYS, key_distance, smoothed, transitions

C, G, F, D, F_SHARP = (KEY_NAMES.index(f"{name} major") for name in ("C", "G", "F", "D", "F#"))
A_MINOR, C_MINOR = KEY_NAMES.index("A minor"), KEY_NAMES.index("C minor")


def random_posterior(frames, seed=0):
    rows = np.random.default_rng(seed).random((frames, KEYS)) ** 4
    return rows / rows.sum(axis=1, keepdims=True)


def test_distances_follow_the_circle_of_fifths():
    distance = key_distance()
    assert distance[C, [C, G, F, D, F_SHARP, A_MINOR, C_MINOR]].tolist() == [0, 1, 1, 2, 6, 1, 4]
    np.testing.assert_array_equal(distance, distance.T)


def test_a_frame_mostly_stays_and_moves_to_near_keys():
    step = transitions(30.0, 10.0)
    np.testing.assert_allclose(step.sum(axis=1), 1.0)
    assert step[C, C] > 0.99 and step[C, G] > step[C, D] > step[C, F_SHARP] > 0
    assert step[C, A_MINOR] == pytest.approx(step[C, G])


def test_the_chain_is_the_same_at_every_frame_rate():
    second = [np.linalg.matrix_power(transitions(fps, 4.0), int(fps)) for fps in (1.0, 25.0, 60.0)]
    np.testing.assert_allclose(second[1], second[0], atol=1e-12)
    np.testing.assert_allclose(second[2], second[0], atol=1e-12)


@pytest.mark.parametrize("stay_s", [5e-324, 1e-9, 86_400.0])
def test_the_shortest_and_the_longest_stay_are_legal(stay_s):
    step = transitions(30.0, stay_s)
    np.testing.assert_allclose(step.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(step, 1 / KEYS if stay_s < 1 else np.eye(KEYS), atol=1e-6)


def test_the_mean_stay_is_what_was_asked_for():
    """Without a return, a stay of 2 s is left by 1 - exp(-1 / 2) of all keys within a second; few return that soon."""
    stay = np.diag(np.linalg.matrix_power(transitions(1000.0, 2.0), 1)) ** 1000
    np.testing.assert_allclose(stay, np.exp(-0.5), rtol=1e-3)


@pytest.mark.parametrize("window_frames", [1, 3])
def test_it_equals_the_sum_over_all_paths(window_frames):
    posterior = random_posterior(3)
    step, evidence = transitions(30.0, 0.05), posterior ** (1 / window_frames)
    expected = np.zeros((3, KEYS))
    for path in product(range(KEYS), repeat=3):
        chance = np.prod([evidence[t, key] for t, key in enumerate(path)]) * step[path[0], path[1]] * step[path[1], path[2]]
        for t, key in enumerate(path):
            expected[t, key] += chance
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(smoothed(posterior, 30.0, window_frames, 0.05), expected, atol=1e-12)


def test_a_longer_stay_is_smoother_and_none_at_all_leaves_each_frame_alone():
    posterior = random_posterior(200, 1)
    np.testing.assert_allclose(smoothed(posterior, 30.0, 1, 1e-6), posterior, atol=1e-9)
    changes = [(np.diff(smoothed(posterior, 30.0, 1, stay_s).argmax(axis=1)) != 0).sum() for stay_s in (1e-6, 0.1, 2.0, 500.0)]
    assert changes == sorted(changes, reverse=True) and changes[0] > 150 and changes[-1] < 20


def test_a_key_that_never_changes_keeps_a_posterior_of_the_whole_clip():
    row = random_posterior(1, 2)
    posterior = np.repeat(row, 50, axis=0)
    np.testing.assert_allclose(smoothed(posterior, 30.0, 50, 1e9), posterior, rtol=1e-4)


def test_impossible_keys_and_long_clips_stay_finite():
    posterior = np.zeros((20_000, KEYS))
    posterior[:10_000, C] = posterior[10_000:, F_SHARP] = 1.0
    result = smoothed(posterior, 240.0, 1, 100.0)
    np.testing.assert_allclose(result.sum(axis=1), 1.0)
    assert result[[0, 9_999, 10_000, 19_999]].argmax(axis=1).tolist() == [C, C, F_SHARP, F_SHARP]
