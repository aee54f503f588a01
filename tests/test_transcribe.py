"""Finding the keyboard of one video: what is known of it, what is said when that is not enough, and silence out of view."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from decoding_cases import THRESHOLDS, noisy_logits, random_notes
from paths import PARAMS_FILE
from registration_cases import Look, cut_view, known_registration, random_view, render

from tivit import transcribe
from tivit.__main__ import main
from tivit.core.errors import InputError
from tivit.core.keyboard import midi_of_name, name_of
from tivit.core.logits import ClipLogits
from tivit.core.notes import read_midi
from tivit.core.params import load, section
from tivit.core.registration import Refusal
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.decoding.thresholds import write_thresholds
from tivit.inference.params import UNSAID_WINDOW_FRAMES
from tivit.model.checkpoint import Checkpoint
from tivit.registration.clip import RegisteredVideo
from tivit.registration.estimate import estimate
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.theory.key import DecodeParams, recorded

VALUES = load(PARAMS_FILE)
PARAMS, GEOMETRY = section(VALUES, "registration", RegistrationParams), section(VALUES, "strips", StripGeometry)
GOOD = known_registration(random_view(np.random.default_rng(2)), GEOMETRY)
VIDEO = Path("my.mp4")


@pytest.fixture
def answer(monkeypatch):
    """Let the returned list's last registration stand in for estimation; the override asked with is put into it."""
    kept = [GOOD]

    def register_video(video, params, geometry, override):
        found = kept[-1]
        kept.append(override)
        return RegisteredVideo(found, np.zeros((4, 4, 3), np.uint8), 0.0)

    monkeypatch.setattr(transcribe, "register_video", register_video)
    return kept


def test_the_first_key_of_the_command_goes_before_that_of_the_params(answer):
    assert transcribe.find_keyboard(VIDEO, PARAMS, GEOMETRY, NOTHING_KNOWN) is GOOD
    assert answer.pop() == NOTHING_KNOWN
    transcribe.find_keyboard(VIDEO, replace(PARAMS, first_key=36), GEOMETRY, Override(orientation="mirrored"))
    assert answer.pop() == Override(first_key=36, orientation="mirrored")
    transcribe.find_keyboard(VIDEO, replace(PARAMS, first_key=36), GEOMETRY, Override(first_key=24))
    assert answer.pop() == Override(first_key=24)


@pytest.mark.parametrize("zoom", [1.6, 2.2])
def test_the_guess_of_a_keyboard_cut_at_both_ends_is_accepted_by_its_options(monkeypatch, zoom):
    """At 1.6 only the mirror image is open, at 2.2 the octave too; both are settled by what the message says."""
    picture = render(cut_view(2, zoom=zoom), np.random.default_rng(1), Look())

    def register_video(video, params, geometry, override):
        return RegisteredVideo(estimate([picture], params, geometry, override), picture, 0.0)

    monkeypatch.setattr(transcribe, "register_video", register_video)
    with pytest.raises(InputError, match=r"my.mp4: which keys are in view is not known \(whether.* mirror image") as error:
        transcribe.find_keyboard(VIDEO, PARAMS, GEOMETRY, NOTHING_KNOWN)
    name, orientation = re.search(
        r"add --first-key (\S+) --orientation (\S+) if this guess is right", str(error.value)
    ).groups()
    for given in (Override(first_key=midi_of_name(name), orientation=orientation), Override(first_key=midi_of_name(name))):
        found = transcribe.find_keyboard(VIDEO, PARAMS, GEOMETRY, given)
        assert (name_of(found.first_midi), found.orientation) == (name, "upright")


def test_an_open_octave_alone_is_asked_for_without_the_orientation(answer):
    answer[-1] = replace(GOOD, doubt="25 keys are in view and fit on a piano in 6 octaves", first_midi=48, last_midi=72)
    with pytest.raises(
        InputError, match=r"6 octaves\); add --first-key C3 if this guess is right, or else give the lowest key"
    ):
        transcribe.find_keyboard(VIDEO, PARAMS, GEOMETRY, NOTHING_KNOWN)


@pytest.mark.parametrize(
    ("known", "remedy"),
    [(NOTHING_KNOWN, "film the keys.*or give --corners"), (Override(first_key=36), "check what was given")],
)
def test_a_refusal_names_what_would_help(answer, known, remedy):
    answer[-1] = Refusal("too dark", (360, 640), 4)
    with pytest.raises(InputError, match=rf"my.mp4: the keyboard was not found \(too dark\); {remedy}"):
        transcribe.find_keyboard(VIDEO, PARAMS, GEOMETRY, known)


def test_a_part_of_the_keyboard_is_said(answer, caplog):
    answer[-1] = replace(GOOD, first_midi=36, last_midi=96)
    with caplog.at_level("INFO", logger="tivit"):
        transcribe.find_keyboard(VIDEO, PARAMS, GEOMETRY, NOTHING_KNOWN)
    assert "keys C2-C7 are in view" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--first-key", "H2"], "--first-key: 'H2' is not a key; write a name such as C2"),
        (["--first-key", "12"], "--first-key: '12' is not a key of a piano"),
        (["--corners", "1,2", "3,4", "5,6", "7"], "--corners: '7' is not a point"),
        (["--corners", "0,0", "9,0", "0,5", "9,5"], "corners: must go round as top left"),
    ],
)
def test_bad_values_are_one_sentence(capsys, arguments, sentence):
    assert main(["transcribe", "my.mp4", "-o", "out.mid", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"error: {sentence}")


def test_the_options_reach_the_transcription(monkeypatch):
    seen = {}

    def stand_in(video, output, **others):
        seen.update(others)
        return transcribe.Summary(output, 0, 1.0, 1.0)

    monkeypatch.setattr(transcribe, "transcribe", stand_in)
    corners = ["0,0", "9,0", "9,5", "0,5"]
    arguments = ["--first-key", "F#1", "--orientation", "rotated", "--corners", *corners, "--params", str(PARAMS_FILE)]
    trained = ["--checkpoint", "my.pt", "--thresholds", "my.json"]
    assert main(["transcribe", "my.mp4", "-o", "out.mid", *arguments, *trained]) == 0
    assert (seen["checkpoint"], seen["thresholds"]) == (Path("my.pt"), Path("my.json"))
    assert seen["known"] == Override(((0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0)), 30, "rotated")


@pytest.fixture
def stages(monkeypatch):
    """Let the stages of a transcription but the last two stand in; what they are asked for is put into the returned dict."""
    asked, grid = {}, TimeGrid(30.0, 0.0, 150)
    rng = np.random.default_rng(4)
    logits = ClipLogits("my", grid, noisy_logits(random_notes(rng, 5.0, per_key=1), grid, rng, 0.6))
    network = SimpleNamespace(to=lambda device: network)
    trained = Checkpoint(network, None, GEOMETRY, 30.0, 0, 1)

    def clip_logits(video, registration, trained, window_frames, runtime, adapt_at):
        asked["window_frames"] = window_frames
        assert adapt_at is None
        return logits

    def rescored(clip, posterior, params):
        asked["decode"] = params
        return clip

    monkeypatch.setattr(transcribe, "load_checkpoint", lambda path: trained)
    monkeypatch.setattr(transcribe, "folded", lambda model: model)
    monkeypatch.setattr(transcribe, "find_keyboard", lambda *_: GOOD)
    monkeypatch.setattr(transcribe, "clip_logits", clip_logits)
    monkeypatch.setattr(transcribe, "rescored", rescored)
    return asked


def transcribed(folder, label_lag_s=0.0, **chosen_under):
    write_thresholds(folder / "t.json", replace(THRESHOLDS, chosen_under=chosen_under, label_lag_s=label_lag_s))
    return transcribe.transcribe(VIDEO, folder / "out.mid", VALUES, folder / "my.pt", folder / "t.json")


def test_logits_are_made_and_rescored_as_the_thresholds_say_and_not_the_params(stages, tmp_path):
    given = section(VALUES, "decode", DecodeParams)
    chosen = replace(given, lambda_key=given.lambda_key + 0.4, profile="temperley", save_key_posterior=False)
    assert transcribed(tmp_path, decode=recorded(chosen), logits={"window_frames": 77}).notes > 0
    assert stages == {"window_frames": 77, "decode": chosen}


def test_notes_lie_where_the_video_shows_them_and_not_where_early_labels_would_put_them(stages, tmp_path):
    onsets_s = []
    for label_lag_s in (0.0, 0.12):
        transcribed(tmp_path, label_lag_s)
        onsets_s.append(read_midi(tmp_path / "out.mid").onset_s)
    np.testing.assert_allclose(onsets_s[1], onsets_s[0] + 0.12, atol=0.002)
    assert len(onsets_s[0]) > 5


def test_thresholds_chosen_on_raw_logits_are_used_on_raw_logits(stages, tmp_path):
    transcribed(tmp_path)
    assert stages == {"window_frames": UNSAID_WINDOW_FRAMES}


@pytest.mark.parametrize(
    ("chosen_under", "message"),
    [
        ({"decode": {"lambda_key": 0.1}}, r"t\.json: chosen_under: decode\.profile is missing"),
        ({"logits": {"window_frames": 1}}, r"t\.json: chosen_under: .*window_frames: 1 is outside"),
    ],
)
def test_thresholds_chosen_under_what_cannot_be_followed_are_refused(stages, tmp_path, chosen_under, message):
    with pytest.raises(InputError, match=message):
        transcribed(tmp_path, **chosen_under)
