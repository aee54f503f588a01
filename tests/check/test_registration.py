"""The check of registration: its lines, its table, its sheet and its exit status, with registrations made by hand."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from paths import PARAMS_FILE
from registration_cases import known_registration, random_view

from tivit.__main__ import main
from tivit.check import registration as check
from tivit.core.artifacts import write_json
from tivit.core.params import load, section
from tivit.core.registration import Move, Refusal
from tivit.core.strip import StripGeometry
from tivit.datasets.index import write_index
from tivit.registration import batch
from tivit.registration.batch import Registered
from tivit.registration.clip import RegisteredVideo
from tivit.registration.judge.octave import MIRROR_OPEN
from tivit.registration.reasons import SAY_SIDE

PARAMS = PARAMS_FILE
GEOMETRY = section(load(PARAMS), "strips", StripGeometry)
VIEW = random_view(np.random.default_rng(11))
GOOD = known_registration(VIEW, GEOMETRY)
UNKNOWN = replace(GOOD, doubt="no end in view", first_midi=48, last_midi=84, quality=replace(GOOD.quality, confidence=0.7))
REFUSED = Refusal("confidence 0.31 is below 0.5", (360, 640), 4)


def test_the_line_of_a_clip():
    moved = replace(GOOD, moves=(Move(2.0, GOOD.homography, ()),), orientation="mirrored", first_midi=36)
    assert check.line_of(Registered("test/a", moved, None)) == (
        "reg_refined: test/a status=ok orientation=mirrored keys=C2-C8 conf=0.90 err=0.200->0.020 (white keys) "
        "mm=4.70->0.47 dev=0.400 moves=1"
    )
    assert check.line_of(Registered("a", REFUSED, None)) == (
        "reg_refined: a status=refused reason=confidence 0.31 is below 0.5; give the corners of its keys in"
        " registration.overrides or registration.csv, or leave the clip out"
    )
    line = check.line_of(Registered("a", UNKNOWN, None))
    assert "status=octave_unknown orientation=upright keys=C-C conf=0.70" in line
    given_in = "if this guess is right, in registration.overrides or registration.csv"
    assert line.endswith(f"reason=no end in view; give first_key: 48, {given_in}")
    mirror = replace(UNKNOWN, doubt=MIRROR_OPEN, orientation="rotated")
    assert check.line_of(Registered("a", mirror, None)).endswith(f"; give first_key: 48, orientation: rotated, {given_in}")


@pytest.mark.parametrize("reason", ["two keyboards; give the corners of that one", f"which side is not clear{SAY_SIDE}"])
def test_a_reason_that_says_what_to_do_is_left_at_that(reason):
    assert check.line_of(Registered("a", replace(REFUSED, reason=reason), None)).endswith(reason)


def test_the_table():
    other = replace(REFUSED, reason="confidence 0.12 is below 0.5")
    worse = replace(GOOD, quality=replace(GOOD.quality, err_before=0.4, err_after=0.1, err_black=(0.5, 0.3), deviation=0.6))
    lines = list(check.table([GOOD, worse, UNKNOWN, REFUSED, other], [np.full(88, 0.1), np.full(88, -0.2)]))
    assert lines[:3] == ["5 clips: 2 ok, 1 octave unknown, 2 refused", "  2 x confidence # is below #", "  1 x no end in view"]
    rows = {line[:32].strip(): [float(value) for value in line[32:].split()] for line in lines[5:10]}
    assert rows["all keys"] == pytest.approx([0.2, 0.38, 0.02, 0.092], abs=1e-3)
    assert rows["black keys"] == pytest.approx([0.2, 0.47, 0.01, 0.271], abs=1e-3)
    assert rows["white keys"] == [0.2, 0.2, 0.03, 0.03]
    assert rows["across the keyboard"] == [0.1, 0.1, 0.05, 0.05]
    assert rows["deviation from a plain scaling"] == pytest.approx([0.4, 0.58], abs=1e-3)
    assert lines[10] == "against the truth of 2 clips: key_err_median 0.150, key_err_p95 0.200, keys right 100.00%"


def test_a_table_of_nothing_but_refusals_has_no_figures():
    assert list(check.table([REFUSED], [])) == ["1 clips: 0 ok, 0 octave unknown, 1 refused", "  1 x confidence # is below #"]


def test_the_sheet_shows_the_least_sure_first(tmp_path):
    pictures = [cv2.imencode(".png", np.full((30, 960, 3), shade, np.uint8))[1].tobytes() for shade in (50, 100, 150)]
    found = [
        Registered(f"test/{number}", replace(GOOD, quality=replace(GOOD.quality, confidence=confidence)), picture)
        for number, (confidence, picture) in enumerate(zip((0.9, 0.5, 0.7), pictures, strict=True))
    ]
    path = check.write_sheet(tmp_path / "sheet.png", [*found, Registered("test/x", REFUSED, None)], 2)
    sheet = cv2.imread(str(path))
    assert sheet[-2, [10, -10], 0].tolist() == [100, 150]
    assert check.write_sheet(tmp_path / "none.png", [Registered("test/x", REFUSED, None)], 2) is None


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """Work beside a dataset of two clips per split whose registrations are those of the dict returned (default: right)."""
    monkeypatch.chdir(tmp_path)
    for variable in ("TIVIT_DATA_DIR", "DATASETS_HOME", "TIVIT_STATE_DIR"):
        monkeypatch.delenv(variable, raising=False)
    for split in ("train", "val", "test"):
        for stem in ("hard_000", "plain_000"):
            path = tmp_path / f"data/Synthetic/{split}/{stem}.json"
            write_json(path, {"notes": [], "key_centers_px": VIEW.key_centers_px().tolist()})
            path.with_suffix(".mp4").write_text(f"{split}/{stem}")
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    found = {}

    def register_video(video, params, geometry, override):
        return RegisteredVideo(found.get(video.read_text(), GOOD), np.full((360, 640, 3), 90, np.uint8), 0.0)

    monkeypatch.setattr(batch, "register_video", register_video)
    return found


def run(*arguments: str) -> int:
    text = PARAMS.read_text().replace("workers: 2", "workers: 1")
    Path("params.yaml").write_text(text)
    return main(["check", "registration", *arguments])


def test_a_sound_dataset_ends_in_status_0(dataset, capsys):
    assert run() == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in out[:6]] == [
        f"{split}/{stem}_000" for split in ("test", "train", "val") for stem in ("hard", "plain")
    ]
    assert out[6] == "6 clips: 6 ok, 0 octave unknown, 0 refused"
    assert out[-2] == "against the truth of 6 clips: key_err_median 0.000, key_err_p95 0.000, keys right 100.00%"
    assert out[-1] == "contact sheet: .tivit/check/registration.png"
    assert cv2.imread(".tivit/check/registration.png").shape[1] == 1440
    assert not Path("data/registration").exists()


@pytest.mark.parametrize("fault", [UNKNOWN, REFUSED])
def test_a_clip_that_cannot_be_used_ends_in_status_1(dataset, capsys, fault):
    dataset["val/plain_000"] = fault
    assert run("--split", "val") == 1
    out = capsys.readouterr().out
    assert out.startswith("reg_refined: val/hard_000 status=ok") and "2 clips: 1 ok" in out
    assert run("--split", "test") == 0


def test_clips_inspect_and_out(dataset, capsys, tmp_path):
    assert run("--clips", "1", "--inspect", "1", "--out", str(tmp_path / "sheets")) == 0
    assert "3 clips: 3 ok" in capsys.readouterr().out
    assert (tmp_path / "sheets/registration.png").exists()


def test_bad_arguments_are_one_sentence(dataset, capsys):
    Path("data/index/Synthetic.json").unlink()
    assert run() == 2
    assert "`tivit index Synthetic`" in capsys.readouterr().err
    for arguments in (["--clips", "0"], ["--inspect", "x"], ["--split", "tset"]):
        with pytest.raises(SystemExit):
            run(*arguments)
