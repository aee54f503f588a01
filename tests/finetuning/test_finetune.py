"""Learning one's own piano: what is refused before work, what is cut apart, and the whole command on a short rendered take."""

import re
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from model_cases import GEOMETRY
from paths import PARAMS_FILE

from tivit.__main__ import main
from tivit.commands import finetune as finetune_command
from tivit.core import params as params_file
from tivit.core.correction import Correction
from tivit.core.errors import InputError
from tivit.core.keyboard import KEY_COUNT
from tivit.core.notes import make_notes, read_midi, write_midi
from tivit.core.params import section
from tivit.core.timegrid import TimeGrid
from tivit.datasets.params import LagParams
from tivit.finetuning import finetune, take
from tivit.finetuning.finetune import RECIPE, refuse_output
from tivit.finetuning.take import GAP_S, Take, parts_of, refuse_clock
from tivit.labels.clock import Clock
from tivit.model.background import Background
from tivit.model.checkpoint import load_checkpoint
from tivit.pretrained.files import chosen, weights_of_own
from tivit.synth.dataset import ClipTask, write_clip
from tivit.synth.params import SynthParams
from tivit.training.params import TrainParams

LENGTH_S = 9.0


def test_the_recipe_is_complete_and_renders_what_params_say():
    recipe, params = params_file.load(RECIPE), params_file.load(PARAMS_FILE)
    train = section(recipe, "train", TrainParams)
    assert train.augment.turn.share == 0.0
    assert f"steps of learning; default: {train.steps}" in finetune_command.add(ArgumentParser().add_subparsers()).format_help()
    assert section(recipe, "lag", LagParams) == section({"lag": params["data"]["lag"]}, "lag", LagParams)
    same = recipe["synth"].keys() - {"train_clips", "val_clips", "test_clips", "shift_clips", "camera"}
    assert {name: recipe["synth"][name] for name in same} == {name: params["synth"][name] for name in same}


def test_what_cannot_be_written_is_said_before_any_work(tmp_path):
    for path, message in (
        (tmp_path / "a.bin", "ends in .pt"), (tmp_path / "none/a.pt", "there is no folder .*none; make it first"),
        (tmp_path / "b.pt", "exists already; --force replaces it"),
        (tmp_path / "c.pt", "c.thresholds.json: exists already"), (tmp_path / "d.pt", "is a folder"),
    ):  # fmt: skip
        for name in ("b.pt", "c.thresholds.json"):
            (tmp_path / name).write_text("x")
        (tmp_path / "d.pt").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=message):
            refuse_output(path, replacing=False)
    refuse_output(tmp_path / "b.pt", replacing=True)


def test_a_take_is_cut_with_a_gap_and_short_parts_are_refused():
    onset_s = np.arange(100) * 0.5
    notes = make_notes(onset_s, onset_s + 0.2, 40 + np.arange(100) % 40)
    grid = TimeGrid(30.0, 0.0, 1500)
    frames = np.zeros((grid.length, GEOMETRY.height_px, GEOMETRY.width_px), np.uint8)
    background = Background(frames[0], 100.0, 20.0)
    whole = Take(
        Path("a.mp4"), frames, grid, notes, background, np.ones(KEY_COUNT, bool), 9.0, Clock(0.0, 0.0, 25.0, 25.0, 9.0, 99)
    )
    parts = parts_of(whole, None)
    assert parts.learn_to_s == pytest.approx(np.quantile(onset_s, 0.75)) and parts.apart_from_s == parts.learn_to_s + GAP_S
    assert parts.learned.notes.onset_s.max() < parts.learn_to_s and len(parts.learned.frames) == parts.learned.grid.length
    assert parts_of(whole, 30.0).learned.grid.end_s == pytest.approx(30.0, abs=0.05)
    with pytest.raises(InputError, match=r"a.mp4: 20 notes are before 10.0 s, at least 40 are needed"):
        parts_of(whole, 10.0)
    with pytest.raises(InputError, match=r"a.mp4: 8 notes are kept apart after 45.0 s, at least 20 are needed"):
        parts_of(whole, 45.0)


def test_a_midi_file_of_another_take_or_clock_is_refused():
    lag = section(params_file.load(RECIPE), "lag", LagParams)
    files = Path("a.mp4"), Path("a.mid")
    with pytest.raises(InputError, match=r"a.mid: is not surely what is played in a.mp4 \(70 notes compared, confidence 1.2"):
        refuse_clock(*files, Clock(0.0, 0.0, 20.0, 20.0, 1.2, 70, 0.001, None, True), lag)
    with pytest.raises(InputError, match=r"a.mid: does not fit a.mp4: their clock is 1.10 % too slow, allowed: 1 %"):
        refuse_clock(*files, Clock(0.0, 0.011, 20.0, 20.0, 9.0, 70, 0.001, None, True), lag)
    refuse_clock(*files, Clock(16.0, 0.003, 20.0, 20.0, 9.0, 70, 0.001, None, True), lag)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Return the video of a rendered take whose MIDI file starts seven seconds earlier, on a clock that is right."""
    folder = tmp_path_factory.mktemp("take")
    values = params_file.load(RECIPE)
    values["synth"]["music"]["notes_per_s"] = [9.0, 10.0]
    synth = replace(section(values, "synth", SynthParams), test_s=LENGTH_S, seed=3)
    (folder / "test").mkdir()
    write_clip(folder, synth, ClipTask("test", 0, "plain", "take"))
    video = folder / "test/take.mp4"
    write_midi(video.with_suffix(".mid"), read_midi(video.with_suffix(".mid")).corrected(Correction(7.0)))
    return video


def test_the_command_learns_and_its_weights_transcribe(rendered, tmp_path, monkeypatch, capfd):
    """Few steps on a short take: that everything fits together, not how much is gained."""
    small = params_file.load(RECIPE)
    small["synth"] |= {"train_clips": 1, "train_s": 2.0}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(small))
    monkeypatch.setattr(finetune, "RECIPE", tmp_path / "recipe.yaml")
    monkeypatch.setattr(take, "LEAST_LEARNED", 8)
    monkeypatch.setattr(take, "LEAST_APART", 4)
    weights = tmp_path / "piano.pt"
    arguments = ["finetune", str(rendered), str(rendered.with_suffix(".mid")), "-o", str(weights), "--steps", "2"]
    assert main([*arguments, "--keep-anyway"]) == 0
    out = capfd.readouterr().out
    begins = re.search(r"the MIDI file begins ([0-9.]+) s before the video, too short for a rate", out)
    assert begins and float(begins[1]) == pytest.approx(7.0, abs=0.01)
    assert "notes kept apart: " in out and f"--weights {weights}" in out
    before, after = (
        load_checkpoint(files.checkpoint).model.state_dict() for files in (chosen(None, None), weights_of_own(weights))
    )
    assert any(not bool((before[name] == value).all()) for name, value in after.items())
    assert main(["transcribe", str(rendered), "-o", str(tmp_path / "out.mid"), "--weights", str(weights)]) == 0
    assert len(read_midi(tmp_path / "out.mid")) > 8
    assert main(arguments) == 2 and "piano.pt: exists already" in capfd.readouterr().err


def test_weights_without_their_thresholds_are_refused(tmp_path, capfd):
    (tmp_path / "a.pt").write_bytes(b"x")
    assert main(["transcribe", str(tmp_path), "--weights", str(tmp_path / "a.pt")]) == 2
    assert main(["transcribe", str(tmp_path), "--weights", "a.pt", "--checkpoint", "b.pt"]) == 2
    err = capfd.readouterr().err
    assert "a.thresholds.json: no such file; --weights takes what `tivit finetune` wrote" in err or "no video" in err
