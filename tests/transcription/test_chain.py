"""Finding the keyboard of one video, what is said when that is not enough, and how thresholds are followed."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from decoding_cases import THRESHOLDS, noisy_logits, random_notes
from paths import PARAMS_FILE
from registration_cases import Look, cut_view, known_registration, random_view, render

from tivit.commands import transcribe as command
from tivit.commands.main import main
from tivit.core import outputs
from tivit.core.errors import InputError
from tivit.core.keyboard import keys_between, midi_of_name, name_of
from tivit.core.logits import ClipLogits, silenced
from tivit.core.params import load, section
from tivit.core.registration import Refusal
from tivit.core.strip import StripGeometry
from tivit.core.timegrid import TimeGrid
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import write_thresholds
from tivit.inference.params import UNSAID_WINDOW_FRAMES
from tivit.model.checkpoint import Checkpoint
from tivit.model.header import Header
from tivit.registration.estimate import estimate
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams
from tivit.registration.reasons import UNSTEADY
from tivit.theory.key import DecodeParams, clip_posterior, recorded, rescored
from tivit.transcription import batch, chain, reading
from tivit.transcription.chain import Request, Transcriber, usable
from tivit.transcription.messages import KeyboardSearch
from tivit.transcription.result import StoppedError
from tivit.video.source import VideoInfo

VALUES = load(PARAMS_FILE)
GEOMETRY = section(VALUES, "strips", StripGeometry)
GOOD = known_registration(random_view(np.random.default_rng(2)), GEOMETRY)
VIDEO = Path("my.mp4")
PARAMS = section(VALUES, "registration", RegistrationParams)
FPS, FRAMES = 30.0, 150
INFO = VideoInfo(640, 360, FPS, FRAMES, FRAMES / FPS)
GRID = TimeGrid(FPS, 0.0, FRAMES)
HEADS = noisy_logits(random_notes(np.random.default_rng(4), 5.0, per_key=1), GRID, np.random.default_rng(4), 0.6)


def searched(registration):
    return KeyboardSearch(registration, np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("zoom", [1.6, 2.2])
def test_the_guess_of_a_keyboard_cut_at_both_ends_is_accepted_by_its_options(zoom):
    """At 1.6 only the mirror image is open, at 2.2 the octave too; both are settled by what the message says."""
    picture = render(cut_view(2, zoom=zoom), np.random.default_rng(1), Look())

    def found(known):
        return usable(VIDEO, KeyboardSearch(estimate([picture], PARAMS, GEOMETRY, known), picture), known)

    with pytest.raises(InputError, match=r"my.mp4: which keys are in view is not known \(whether.* mirror image") as error:
        found(NOTHING_KNOWN)
    name, orientation = re.search(
        r"add --first-key (\S+) --orientation (\S+) if this guess is right", str(error.value)
    ).groups()
    for given in (Override(first_key=midi_of_name(name), orientation=orientation), Override(first_key=midi_of_name(name))):
        registration = found(given)
        assert (name_of(registration.first_midi), registration.orientation) == (name, "upright")


def test_an_open_octave_alone_is_asked_for_without_the_orientation():
    doubtful = replace(GOOD, doubt="25 keys are in view and fit on a piano in 6 octaves", first_midi=48, last_midi=72)
    with pytest.raises(
        InputError, match=r"6 octaves\); add --first-key C3 if this guess is right, or else give the lowest key"
    ):
        usable(VIDEO, searched(doubtful), NOTHING_KNOWN)


@pytest.mark.parametrize(
    ("known", "remedy"),
    [(NOTHING_KNOWN, "film the keys.*or give --corners"), (Override(first_key=36), "check what was given")],
)
def test_a_refusal_names_what_would_help(known, remedy):
    with pytest.raises(InputError, match=rf"my.mp4: the keyboard was not found \(too dark\); {remedy}"):
        usable(VIDEO, searched(Refusal("too dark", (360, 640), 4)), known)


@pytest.mark.parametrize("reason", [f"{UNSTEADY[0]}, and the keyboard can be followed in only 3 of 16 frames", UNSTEADY[1]])
def test_a_camera_that_cannot_be_followed_is_to_stand_still(reason):
    with pytest.raises(
        InputError, match="film with the camera on a stand, or cut the video to a part in which it stands still$"
    ):
        usable(VIDEO, searched(Refusal(reason, (360, 640), 16)), NOTHING_KNOWN)


def test_of_two_keyboards_the_corners_that_are_asked_for_settle_which_is_meant():
    views = [random_view(np.random.default_rng(seed), (640, 360)) for seed in (2, 4)]
    picture = np.concatenate([render(view, np.random.default_rng(1), Look()) for view in views])

    def found(known):
        return usable(VIDEO, KeyboardSearch(estimate([picture], PARAMS, GEOMETRY, known), picture), known)

    with pytest.raises(InputError, match=r"two keyboards .*give the corners of that one.*; --corners takes them, and --report"):
        found(NOTHING_KNOWN)
    corners = tuple(map(tuple, views[1].corners_px() + (0.0, 360.0)))
    assert (found(Override(corners)).first_midi, found(Override(corners)).last_midi) == (21, 108)


def test_a_side_that_the_picture_does_not_tell_is_settled_by_the_option_that_is_named():
    """Keys and case are of one brightness, and the picture is blurred: no seams, and no fronts that stand out."""
    picture = render(cut_view(2), np.random.default_rng(1), Look(body=200, blur=2.0))

    def found(known):
        return usable(VIDEO, KeyboardSearch(estimate([picture], PARAMS, GEOMETRY, known), picture), known)

    with pytest.raises(InputError, match=r"which side the player sits on is not clear .*; give --orientation, one of upright"):
        found(NOTHING_KNOWN)
    registration = found(Override(orientation="upright"))
    assert (registration.first_midi, registration.last_midi) == (21, 108)
    with pytest.raises(InputError, match="check what was given"):
        found(Override(orientation="rotated"))


def test_a_keyboard_seen_too_flat_is_found_from_above():
    """As the message says that it should be filmed."""
    view = random_view(np.random.default_rng(3), (640, 360))
    ahead = np.array([0.0, 2475.0, -900.0]) / np.hypot(2475.0, 900.0)
    right = np.array([1.0, 0.0, 0.0])
    lying = np.stack([right, np.cross(ahead, right), ahead])
    flat = replace(view, rotation=lying, camera_mm=np.array([611.0, -2400.0, 900.0]), focal_px=1034.0)
    flat_picture, picture = (render(seen, np.random.default_rng(1), Look()) for seen in (flat, view))
    with pytest.raises(InputError, match="seen too flat .*; film the keys from above with their front edge in"):
        usable(VIDEO, KeyboardSearch(estimate([flat_picture], PARAMS, GEOMETRY), flat_picture), NOTHING_KNOWN)
    registration = usable(VIDEO, KeyboardSearch(estimate([picture], PARAMS, GEOMETRY), picture), NOTHING_KNOWN)
    assert (registration.first_midi, registration.last_midi) == (21, 108)


def test_a_part_of_the_keyboard_is_said(caplog):
    with caplog.at_level("INFO", logger="tivit"):
        usable(VIDEO, searched(replace(GOOD, first_midi=36, last_midi=96)), NOTHING_KNOWN)
    assert "keys C2-C7 are in view" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--first-key", "H2"], "--first-key: 'H2' is not a key; write a name such as C2"),
        (["--first-key", "12"], "--first-key: '12' is not a key of a piano"),
        (["--corners", "1,2", "3,4", "5,6", "7"], "--corners: '7' is not a point"),
        (["--corners", "0,0", "9,0", "0,5", "9,5"], "corners: must go round as top left"),
        (["--start", "9", "--end", "0:08"], "--end 8 must lie after --start 9"),
    ],
)
def test_bad_values_are_one_sentence(capsys, arguments, sentence):
    assert main(["transcribe", "my.mp4", "-o", "out.mid", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"error: {sentence}")


@pytest.mark.parametrize(("text", "seconds"), [("62.5", 62.5), ("1:02.5", 62.5), ("1:00:01", 3601.0)])
def test_a_time_is_seconds_or_a_clock(text, seconds):
    assert command.seconds(text) == seconds


def test_the_options_reach_the_transcription(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(batch, "transcribe_all", lambda asked: seen.append(asked) or 0)
    corners = ["0,0", "9,0", "9,5", "0,5"]
    arguments = ["--first-key", "F#1", "--orientation", "rotated", "--corners", *corners, "--params", str(PARAMS_FILE)]
    trained = ["--checkpoint", "my.pt", "--thresholds", "my.json", "--adapt", "--quiet", "--start", "1", "--end", "1:01"]
    output = tmp_path / "out.mid"
    assert main(["transcribe", "my.mp4", "-o", str(output), "--json", "--csv", *arguments, *trained]) == 0
    (asked,) = seen
    assert (asked.checkpoint, asked.thresholds) == (Path("my.pt"), Path("my.json"))
    assert asked.known == Override(((0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0)), 30, "rotated")
    assert (asked.span_s, asked.adapt, asked.quiet) == ((1.0, 61.0), True, True)
    assert asked.plans[VIDEO].midi == output and set(asked.plans[VIDEO].others) == {"json", "csv"}


@pytest.fixture
def stand_ins(monkeypatch):
    """Let a decoder and a network that answers `HEADS` stand in; what they are asked for is put into the returned dict."""
    asked = {"pieces": []}
    network = SimpleNamespace(to=lambda device: network)

    class Decoder:
        def __init__(self, job):
            asked["job"] = job

        def search(self):
            return INFO, searched(GOOD)

        def background(self):
            return None

        def pieces(self):
            for first in range(0, FRAMES, 32):
                asked["pieces"].append(first)
                yield first / FPS, np.zeros((min(32, FRAMES - first), 1, 1), np.uint8)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            asked["is_closed"] = True

    def predict_stream(model, stretches, background, runtime, window_frames, first_frames):
        asked["window_frames"] = window_frames
        first = 0
        for stretch in stretches:
            yield {name: rows[first : first + len(stretch)] for name, rows in HEADS.items()}
            first += len(stretch)
            if first == asked.get("stop_at"):
                raise asked["stop_by"]

    monkeypatch.setattr(chain, "read_header", lambda path: Header(GEOMETRY, FPS))
    monkeypatch.setattr(reading, "load_checkpoint", lambda path: Checkpoint(network, None, GEOMETRY, FPS, 0, 1))
    monkeypatch.setattr(chain, "md5_of", lambda path: "0" * 32)
    monkeypatch.setattr(reading, "folded", lambda model: model)
    monkeypatch.setattr(chain, "DecoderProcess", Decoder)
    monkeypatch.setattr(reading, "predict_stream", predict_stream)
    return asked


def transcriber(folder, label_lag_s=0.0, **chosen_under):
    write_thresholds(folder / "t.json", replace(THRESHOLDS, chosen_under=chosen_under, label_lag_s=label_lag_s))
    return Transcriber(VALUES, folder / "my.pt", folder / "t.json")


def test_the_first_key_of_the_request_goes_before_that_of_the_params(stand_ins, tmp_path):
    params = VALUES | {"registration": VALUES["registration"] | {"first_key": 36}}
    write_thresholds(tmp_path / "t.json", THRESHOLDS)
    ready = Transcriber(params, tmp_path / "my.pt", tmp_path / "t.json")
    for known, expected in ((Override(orientation="mirrored"), 36), (Override(first_key=24), 24)):
        ready.transcribe(Request(VIDEO, known))
        assert stand_ins["job"].known == replace(known, first_key=expected)


def test_streamed_notes_are_those_of_the_whole_clip(stand_ins, tmp_path):
    result = transcriber(tmp_path).transcribe(Request(VIDEO))
    whole = decode_notes(HEADS, GRID, THRESHOLDS)
    np.testing.assert_allclose(result.notes.onset_s, whole.onset_s, atol=1e-9)
    np.testing.assert_array_equal(result.notes.midi, whole.midi)
    np.testing.assert_array_equal(result.notes.hand, whole.hand)
    assert len(whole) > 5 and not result.is_partial and stand_ins["is_closed"]
    assert ((result.confidence.onset >= 0.45) & (result.confidence.onset <= 1.0)).all()


def test_the_search_for_the_keyboard_is_announced_before_it_begins(stand_ins, tmp_path, monkeypatch, caplog):
    """Eleven seconds of handheld video once took a minute and a half without a sign of life."""
    said = []
    monkeypatch.setattr(chain.DecoderProcess, "search", lambda _: said.extend(caplog.messages) or (INFO, searched(GOOD)))
    with caplog.at_level("INFO"):
        transcriber(tmp_path).transcribe(Request(VIDEO))
    assert said == [f"{VIDEO}: looking for the keyboard"]


def test_logits_are_made_and_rescored_as_the_thresholds_say_and_not_the_params(stand_ins, tmp_path):
    given = section(VALUES, "decode", DecodeParams)
    chosen = replace(given, lambda_key=given.lambda_key + 0.4, profile="temperley", save_key_posterior=False)
    transcriber(tmp_path).transcribe(Request(VIDEO))
    assert stand_ins["window_frames"] == UNSAID_WINDOW_FRAMES
    ready = transcriber(tmp_path, decode=recorded(chosen), logits={"window_frames": 77})
    clip = ClipLogits("my", GRID, silenced(HEADS, keys_between(GOOD.first_midi, GOOD.last_midi)))
    expected = decode_notes(rescored(clip, clip_posterior(clip, chosen), chosen).heads, GRID, THRESHOLDS)
    plain = decode_notes(clip.heads, GRID, THRESHOLDS)
    got = ready.transcribe(Request(VIDEO)).notes
    np.testing.assert_array_equal(got.onset_s, expected.onset_s)
    assert not np.array_equal(expected.onset_s, plain.onset_s)
    assert stand_ins["window_frames"] == 77


def test_notes_lie_where_the_video_shows_them_and_not_where_early_labels_would_put_them(stand_ins, tmp_path):
    onsets_s = [transcriber(tmp_path, lag_s).transcribe(Request(VIDEO)).notes.onset_s for lag_s in (0.0, 0.12)]
    np.testing.assert_allclose(onsets_s[1], onsets_s[0] + 0.12, atol=1e-9)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), InputError("my.mp4: the decoder crashed")])
def test_a_stop_keeps_what_was_read(stand_ins, tmp_path, error):
    stand_ins.update(stop_at=96, stop_by=error)
    with pytest.raises(StoppedError) as stop:
        transcriber(tmp_path).transcribe(Request(VIDEO))
    part = stop.value.transcription
    assert part.is_partial and part.grid.length == 96 and stop.value.__cause__ is error and stand_ins["is_closed"]
    whole = decode_notes({name: rows[:96] for name, rows in HEADS.items()}, TimeGrid(FPS, 0.0, 96), THRESHOLDS)
    assert len(part.notes) == len(whole) > 0
    assert part.notes.offset_s.max() <= 96 / FPS + 0.1


@pytest.mark.parametrize(
    ("chosen_under", "message"),
    [
        ({"decode": {"lambda_key": 0.1}}, r"t\.json: chosen_under: decode\.profile is missing"),
        ({"logits": {"window_frames": 1}}, r"t\.json: chosen_under: .*window_frames: 1 is outside"),
    ],
)
def test_thresholds_chosen_under_what_cannot_be_followed_are_refused(stand_ins, tmp_path, chosen_under, message):
    with pytest.raises(InputError, match=message):
        transcriber(tmp_path, **chosen_under)


def test_adapting_says_beforehand_that_there_is_no_room(stand_ins, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match=r"--adapt needs 0\.0 GB there for my\.mp4.*another folder in TMPDIR"):
        transcriber(tmp_path).transcribe(Request(VIDEO, adapt=True))
    assert stand_ins["pieces"] == [] and stand_ins["is_closed"]
