"""The key posterior and the rescaling of logits, on music whose key is known."""

import re
from dataclasses import replace

import numpy as np
import pytest
import yaml
from params_cases import section_with

from tivit.core.errors import InputError
from tivit.core.keyboard import PITCH_CLASS, keys_between
from tivit.core.logits import ClipLogits, silenced
from tivit.core.params import load, section
from tivit.core.timegrid import TimeGrid
from tivit.theory.key import DecodeParams, clip_posterior, key_posterior, pitch_class_weights, rescored
from tivit.theory.profiles import KEY_NAMES, PROFILES, key_profiles

PARAMS = DecodeParams(
    lambda_key=0.5,
    profile="krumhansl",
    similarity="pearson",
    window_s=None,
    beta=8.0,
    smoothing_s=0.0,
    min_confidence=0.0,
    rho_uniform=0.2,
    ref_head="onset",
    apply_to=("onset",),
    save_key_posterior=True,
)
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 11)}


def clip_in(tonic: int, mode: str, frames: int = 40, fps: float = 30.0) -> ClipLogits:
    """Return a clip in which every key of the scale sounds, the tonic triad three times as strongly."""
    degree = (PITCH_CLASS - tonic) % 12
    triad = (0, 4 if mode == "major" else 3, 7)
    row = np.where(np.isin(degree, triad), 1.0, np.where(np.isin(degree, SCALES[mode]), -1.0, -8.0))
    heads = {name: np.tile(row, (frames, 1)).astype(np.float32) for name in ("onset", "pitch", "offset")}
    return ClipLogits("c", TimeGrid(fps, 0.0, frames), heads)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("key", range(24))
def test_the_key_of_a_plain_scale_is_found(profile, key):
    tonic, mode = key % 12, "major" if key < 12 else "minor"
    posterior = clip_posterior(clip_in(tonic, mode), replace(PARAMS, profile=profile))
    assert KEY_NAMES[int(posterior[0].argmax())] == KEY_NAMES[key]


def test_a_key_out_of_view_counts_as_one_that_is_never_played():
    """The posterior is that of keys without any probability at all, and no prior lifts a silent key back."""
    in_view = keys_between(48, 84)
    whole = clip_in(2, "minor")
    clip = replace(whole, heads=silenced(whole.heads, in_view))
    never = replace(whole, heads={name: np.where(in_view, rows, -300.0) for name, rows in whole.heads.items()})
    posterior = clip_posterior(clip, PARAMS)
    np.testing.assert_allclose(posterior, clip_posterior(never, PARAMS), atol=1e-9)
    strong = replace(PARAMS, lambda_key=10.0, rho_uniform=0.0, apply_to=("onset", "pitch", "offset"))
    for rows in rescored(clip, posterior, strong).heads.values():
        assert rows[:, ~in_view].max() < -15


def test_pearson_is_sharper_than_cosine():
    weights = pitch_class_weights(clip_in(0, "major").heads["onset"], None)
    profiles = key_profiles("krumhansl")
    pearson, cosine = (key_posterior(weights, profiles, 4.0, name)[0].max() for name in ("pearson", "cosine"))
    assert pearson > 2 * cosine


def documented_preset(root) -> DecodeParams:
    """Return the params that the line of docs/theory.md for the original system gives, over params.yaml."""
    text = (root / "docs/theory.md").read_text()
    line = text.split("## The preset of the original system")[1].split("```bash\n")[1].split("\n")[0]
    changes = dict(item.split("=") for item in re.findall(r"-S decode\.(\S+)", line))
    values = load(root / "params.yaml")
    values["decode"].update({name: yaml.safe_load(value) for name, value in changes.items()})
    return section(values, "decode", DecodeParams)


def rescored_as_the_original(heads, fps, lambda_key=0.5, window_s=3.0, beta=4.0, rho=0.8):
    """Return heads rescored by the formula of the original, step by step, with Krumhansl and Kessler's profiles."""
    major = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]
    minor = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]
    profiles = np.array([np.roll(mode, tonic) for mode in (major, minor) for tonic in range(12)])
    c = np.zeros((len(heads["onset"]), 12))
    for key in range(88):
        c[:, (key + 9) % 12] += 1.0 / (1.0 + np.exp(-heads["onset"][:, key].astype(np.float64)))
    window = max(1, round(window_s * fps))
    window += window % 2 == 0
    s = np.stack([np.convolve(np.pad(column, window // 2), np.full(window, 1 / window), "valid") for column in c.T], axis=1)
    n = s / np.linalg.norm(s, axis=1, keepdims=True)
    q = np.exp(beta * n @ (profiles / np.linalg.norm(profiles, axis=1, keepdims=True)).T)
    q /= q.sum(axis=1, keepdims=True)
    pc = rho / 12 + (1 - rho) * q @ (profiles / profiles.sum(axis=1, keepdims=True))
    shift = lambda_key * (np.log(pc + 1e-8) - np.log(1 / 12))
    return {name: rows + shift[:, [(key + 9) % 12 for key in range(88)]] for name, rows in heads.items()}, q


@pytest.mark.parametrize(("fps", "frames"), [(30.0, 200), (29.97, 250), (25.0, 40), (23.976, 1)])
def test_the_documented_preset_is_the_original_to_the_last_digit(request, fps, frames):
    rng = np.random.default_rng(frames)
    heads = {name: rng.normal(-3, 3, (frames, 88)).astype(np.float32) for name in ("onset", "pitch", "offset")}
    clip, preset = ClipLogits("c", TimeGrid(fps, 0.0, frames), heads), documented_preset(request.config.rootpath)
    expected, q = rescored_as_the_original(heads, fps)
    posterior = clip_posterior(clip, preset)
    np.testing.assert_allclose(posterior, q, rtol=1e-9)
    for name, rows in rescored(clip, posterior, preset).heads.items():
        np.testing.assert_allclose(rows, expected[name], atol=2e-6)
        assert not np.array_equal(rows, heads[name])


def test_the_preset_of_the_original_hardly_moves_a_logit(request):
    preset, clip = documented_preset(request.config.rootpath), clip_in(0, "major")
    posterior = clip_posterior(clip, preset)
    moved = max(np.abs(rescored(clip, posterior, preset).heads[name] - clip.heads[name]).max() for name in clip.heads)
    assert 0 < moved < 0.1


def test_a_window_sees_only_its_own_part():
    logits = np.concatenate([clip_in(0, "major").heads["onset"], clip_in(6, "major").heads["onset"]])
    clip = ClipLogits("c", TimeGrid(30.0, 0.0, 80), {"onset": logits})
    posterior = clip_posterior(clip, replace(PARAMS, window_s=0.5))
    assert posterior[[0, 30, 50, 79]].argmax(axis=1).tolist() == [0, 0, 6, 6]


def test_a_window_lasts_as_long_at_every_frame_rate():
    def change_over_s(fps):
        frames = int(fps)
        logits = np.concatenate([clip_in(key, "major", frames).heads["onset"] for key in (0, 6)])
        clip = ClipLogits("c", TimeGrid(fps, 0.0, 2 * frames), {"onset": logits})
        posterior = clip_posterior(clip, replace(PARAMS, window_s=0.8))
        return (np.ptp(np.flatnonzero(np.abs(np.diff(posterior[:, 0])) > 1e-9)) + 1) / fps

    assert change_over_s(30.0) == pytest.approx(change_over_s(60.0), abs=0.05) == pytest.approx(0.8, abs=0.05)


@pytest.mark.filterwarnings("error")
def test_a_key_that_the_network_rules_out_has_no_weight_and_overflows_nothing():
    logits = np.full((3, 88), -60_000.0, np.float32)
    assert not pitch_class_weights(logits, None).any() and not pitch_class_weights(logits, 1).any()


def test_window_weights_equal_a_direct_sum():
    logits = np.random.default_rng(0).normal(size=(9, 88))
    weights = pitch_class_weights(logits, 3)
    probability = 1 / (1 + np.exp(-logits))
    for frame in range(9):
        inside = probability[max(frame - 1, 0) : frame + 2].sum(axis=0)
        np.testing.assert_allclose(weights[frame], [inside[pc == PITCH_CLASS].sum() for pc in range(12)])


@pytest.mark.parametrize("change", [{"lambda_key": 0.0}, {"beta": 0.0}, {"rho_uniform": 1.0}, {"min_confidence": 1.0}])
def test_strengths_that_are_off_move_nothing(change):
    """A posterior of the same chance for every key is a uniform prior, whatever `rho_uniform`."""
    clip, params = clip_in(0, "major"), replace(PARAMS, **{"rho_uniform": 0.0, **change})
    posterior = clip_posterior(clip, params)
    np.testing.assert_allclose(posterior.sum(axis=1), 1.0)
    np.testing.assert_allclose(rescored(clip, posterior, params).heads["onset"], clip.heads["onset"], atol=1e-6)
    assert rescored(clip, posterior, replace(PARAMS, lambda_key=0.0)) is clip


def test_a_window_of_zero_is_one_frame():
    logits = np.random.default_rng(0).normal(size=(9, 88)).astype(np.float32)
    posterior = clip_posterior(ClipLogits("c", TimeGrid(30.0, 0.0, 9), {"onset": logits}), replace(PARAMS, window_s=0.0))
    for frame in range(9):
        alone = ClipLogits("c", TimeGrid(30.0, 0.0, 1), {"onset": logits[frame : frame + 1]})
        np.testing.assert_allclose(posterior[frame], clip_posterior(alone, PARAMS)[0], rtol=1e-9)


def test_beta_zero_is_a_uniform_posterior():
    np.testing.assert_allclose(clip_posterior(clip_in(0, "major"), replace(PARAMS, beta=0.0)), 1 / 24)


def test_equal_weights_are_like_no_key():
    np.testing.assert_allclose(key_posterior(np.ones((2, 12)), key_profiles("krumhansl"), 8.0, "pearson"), 1 / 24)


def test_rescaling_follows_the_formula_and_spares_other_heads():
    clip = clip_in(2, "minor")
    posterior = clip_posterior(clip, PARAMS)
    result = rescored(clip, posterior, PARAMS)
    prior = 0.2 / 12 + 0.8 * posterior[0] @ key_profiles("krumhansl")
    expected = clip.heads["onset"][0] + 0.5 * np.log(prior[PITCH_CLASS] * 12)
    np.testing.assert_allclose(result.heads["onset"][0], expected, atol=1e-5)
    assert result.heads["pitch"] is clip.heads["pitch"]


def test_a_profile_with_zeros_forbids_no_pitch_class():
    params = replace(PARAMS, profile="sapp", rho_uniform=0.0, beta=1000.0)
    clip = clip_in(0, "major")
    assert np.isfinite(rescored(clip, clip_posterior(clip, params), params).heads["onset"]).all()


def test_clips_do_not_see_each_other():
    first, second = clip_in(0, "major"), clip_in(6, "major")
    assert clip_posterior(first, PARAMS).argmax() != clip_posterior(second, PARAMS).argmax()


def test_an_unsure_key_moves_nothing():
    clip = ClipLogits("c", TimeGrid(30.0, 0.0, 4), {"onset": np.zeros((4, 88), np.float32)})
    posterior = np.full((4, 24), 0.4 / 22)
    posterior[:, 3] = (0.3, 0.5, 0.5 + 1e-9, 0.9)
    posterior[:, 5] = 0.6 - posterior[:, 3]
    gated = rescored(clip, posterior, replace(PARAMS, min_confidence=0.5)).heads["onset"]
    free = rescored(clip, posterior, replace(PARAMS, min_confidence=0.0)).heads["onset"]
    assert not gated[0].any() and np.abs(free[0]).max() > 0.05
    np.testing.assert_array_equal(gated[1:], free[1:])
    assert not rescored(clip, posterior, replace(PARAMS, min_confidence=1.0)).heads["onset"].any()


def test_smoothing_is_off_at_zero_and_bridges_a_short_doubt():
    logits = np.concatenate([clip_in(key, "major", frames).heads["onset"] for key, frames in ((0, 90), (6, 20), (0, 90))])
    clip = ClipLogits("c", TimeGrid(30.0, 0.0, len(logits)), {"onset": logits})
    params = replace(PARAMS, window_s=0.3)
    rough, smooth = (clip_posterior(clip, replace(params, smoothing_s=value)) for value in (0.0, 60.0))
    assert KEY_NAMES[rough[100].argmax()] == "F# major" and {KEY_NAMES[i] for i in smooth.argmax(axis=1)} == {"C major"}
    np.testing.assert_allclose(smooth.sum(axis=1), 1.0)


def test_smoothing_takes_the_clips_own_frame_rate():
    """The same seconds of the same keys: the smoothed posterior is the same at 30 and 60 frames a second."""

    def at(fps):
        parts = [clip_in(key, "major", int(2 * fps)).heads["onset"] for key in (0, 7)]
        clip = ClipLogits("c", TimeGrid(fps, 0.0, int(4 * fps)), {"onset": np.concatenate(parts)})
        return clip_posterior(clip, replace(PARAMS, window_s=1.0, smoothing_s=3.0))

    np.testing.assert_allclose(at(60.0)[::2], at(30.0), atol=0.03)


def test_a_missing_reference_head_is_named():
    clip = clip_in(0, "major")
    with pytest.raises(InputError, match="no head 'onset'; it has pitch"):
        clip_posterior(replace(clip, heads={"pitch": clip.heads["pitch"]}), PARAMS)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rho_uniform", 1.5, ": 1.5 is outside 0..1"),
        ("lambda_key", -0.1, ": -0.1 is outside 0..10"),
        ("ref_head", "hand", ": 'hand' is not one of"),
        ("apply_to", ["onset", "onsett"], r"\[1\]: 'onsett' is not one of .*did you mean 'onset'"),
        ("smoothing_s", -1.0, ": -1.0 is outside"),
        ("min_confidence", 1.5, ": 1.5 is outside 0..1"),
    ],
)
def test_values_out_of_range_are_refused(name, value, message):
    with pytest.raises(InputError, match=f"params: decode.{name}{message}"):
        section_with(DecodeParams, f"decode.{name}", value)
