"""Calibration: labels, the fit against data of known temperature and bias, and ECE and Brier on hand-made cases."""

import numpy as np
import pytest
from decoding_cases import noisy_logits, random_notes

from tivit.core.keyboard import KEY_COUNT, key_of, keys_between
from tivit.core.logits import ClipLogits, silenced
from tivit.core.notes import make_notes
from tivit.core.timegrid import TimeGrid
from tivit.sweeping.calibration import BINS, believability, calibrate, fit_platt, labels_of

ONES, NONE = np.ones(1, int), np.zeros(1, int)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_labels_are_the_frames_held_and_the_frame_nearest_an_event():
    notes, grid = make_notes([0.11, 0.5], [0.32, 0.9], [60, 60]), TimeGrid(10.0, 0.0, 8)
    labels = labels_of(notes, grid)
    key = key_of(60)
    assert np.flatnonzero(labels["pitch"][:, key]).tolist() == [2, 3, 5, 6, 7]
    assert np.flatnonzero(labels["onset"][:, key]).tolist() == [1, 5]
    assert np.flatnonzero(labels["offset"][:, key]).tolist() == [3]
    assert sum(int(rows.sum()) for rows in labels.values()) == 8


@pytest.mark.parametrize(("temperature", "bias"), [(1.0, 0.0), (2.0, -1.5), (0.5, 0.7)])
def test_the_fit_finds_the_temperature_and_bias_of_the_labels(temperature, bias):
    logit = np.linspace(-6, 6, 241)
    true = np.rint(1e6 * sigmoid(logit / temperature + bias)).astype(int)
    assert fit_platt(logit, 1_000_000 - true, true) == pytest.approx((temperature, bias), abs=1e-3)


def test_the_fit_equals_a_search_of_the_likelihood():
    rng = np.random.default_rng(3)
    logit = rng.normal(0, 2, 400)
    true = (rng.random(400) < sigmoid(0.6 * logit - 0.8)).astype(int)
    slope, bias = (1 / value if i == 0 else value for i, value in enumerate(fit_platt(logit, 1 - true, true)))

    def loss(slope, bias):
        z = slope * logit + bias
        return float(np.sum(np.logaddexp(0, z) - np.clip(true, 1 / 300, 299 / 300) * z))

    near = [loss(slope + a, bias + b) for a in (-0.05, 0.05) for b in (-0.1, 0.1)]
    assert loss(slope, bias) < min(near)


def test_what_cannot_be_fitted_is_left_as_it_is():
    logit = np.linspace(-3, 3, 50)
    true = np.rint(1000 * sigmoid(-logit)).astype(int)
    assert fit_platt(logit, 1000 - true, true) == (1.0, 0.0)
    assert fit_platt(logit, np.ones(50, int), np.zeros(50, int)) == (1.0, 0.0)
    assert fit_platt(logit, np.zeros(50, int), np.ones(50, int)) == (1.0, 0.0)


def test_a_head_that_is_always_right_has_an_optimum_too():
    temperature, bias = fit_platt(np.array([-1.0, 1.0]), np.array([500, 0]), np.array([0, 500]))
    assert 0.01 < temperature < 0.5 and bias == pytest.approx(0.0, abs=1e-6)


def test_ece_and_brier_of_cases_done_by_hand():
    sure = believability(np.array([1.0]), NONE, ONES)
    assert (sure.ece, sure.brier, sure.predicted_rate) == (0.0, 0.0, 1.0)
    wrong = believability(np.array([1.0]), ONES, NONE)
    assert (wrong.ece, wrong.brier) == (1.0, 1.0)
    fit = believability(np.array([0.1, 0.12, 0.9]), np.array([3, 0, 1]), np.array([0, 1, 3]))
    assert fit.brier == pytest.approx((3 * 0.01 + 0.88**2 + 3 * 0.01 + 0.81) / 8)
    assert fit.ece == pytest.approx(abs(0.42 - 1) / 8 + abs(3.6 - 3) / 8)
    assert fit.ace == pytest.approx((abs(0.42 - 1) / 4 + abs(3.6 - 3) / 4) / 2)
    assert fit.frames.sum() == 8 and np.flatnonzero(fit.frames).tolist() == [1, 13]
    assert len(fit.observed) == BINS and fit.observed[13] == pytest.approx(0.75)


def clip_of(seed, notes=None):
    rng, grid = np.random.default_rng(seed), TimeGrid(30.0, 0.0, 180)
    notes = random_notes(rng, 6.0) if notes is None else notes
    heads = {name: rows.astype(np.float16).astype(np.float32) for name, rows in noisy_logits(notes, grid, rng).items()}
    return ClipLogits(str(seed), grid, heads), notes


def test_counting_values_is_exact():
    clips, references = zip(*(clip_of(seed) for seed in range(3)), strict=True)
    found = calibrate(clips, references)["onset"]
    logit = np.concatenate([clip.heads["onset"].ravel() for clip in clips]).astype(float)
    true = np.concatenate([labels_of(*pair)["onset"].ravel() for pair in zip(references, [c.grid for c in clips], strict=True)])
    assert found.true_rate == pytest.approx(true.mean())
    assert (found.temperature, found.bias) == pytest.approx(fit_platt(logit, ~true * 1, true * 1), abs=2e-6)
    for fit, z in ((found.before, logit), (found.after, logit / found.temperature + found.bias)):
        assert fit.brier == pytest.approx(np.mean((sigmoid(z) - true) ** 2))
        assert fit.predicted_rate == pytest.approx(sigmoid(z).mean())
    assert found.after.ece < found.before.ece and found.after.brier < found.before.brier


def test_keys_out_of_view_do_not_count():
    clip, notes = clip_of(5)
    in_view = keys_between(48, 84)
    hidden = ClipLogits("a", clip.grid, silenced(clip.heads, in_view))
    kept = notes.take((notes.midi >= 48) & (notes.midi <= 84))
    found = calibrate([hidden], [kept])
    assert int(found["pitch"].before.frames.sum()) == clip.grid.length * int(in_view.sum()) < clip.grid.length * KEY_COUNT
    nothing = ClipLogits("a", clip.grid, silenced(clip.heads, np.zeros(KEY_COUNT, bool)))
    assert calibrate([nothing], [kept]) == {}
