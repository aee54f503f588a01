"""The weights that come with the project: how they are made and chosen, and their score on a clip rendered here."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from decoding_cases import THRESHOLDS
from model_cases import GEOMETRY, model_params, noisy_inputs
from paths import PARAMS_FILE, ROOT

from tivit.__main__ import main
from tivit.adaptation import adapt
from tivit.commands.main import command_parser
from tivit.core.errors import InputError
from tivit.core.notes import read_midi
from tivit.core.params import load, section
from tivit.core.timegrid import TimeGrid
from tivit.decoding.thresholds import read_thresholds, write_thresholds
from tivit.model.build import build_model
from tivit.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tivit.pretrained import names
from tivit.pretrained.export import MAX_BYTES, export_weights
from tivit.pretrained.files import Trained, chosen, shipped
from tivit.pretrained.names import CARD_NAME, FOLDER, RECIPE_NAME, THRESHOLDS_NAME, WEIGHTS_NAME
from tivit.scoring.scores import score_clip
from tivit.synth.dataset import ClipTask, write_clip
from tivit.synth.params import SynthParams

VALUES = load(PARAMS_FILE)
LENGTH_S = 3.0
GRID = TimeGrid(30.0, 0.0, 90)


@pytest.fixture
def source(tmp_path):
    torch.manual_seed(0)
    params = model_params()
    save_checkpoint(tmp_path / "best.pt", Checkpoint(build_model(params, GEOMETRY).eval(), params, GEOMETRY, 30.0, 7, 123))
    write_thresholds(tmp_path / "chosen.json", THRESHOLDS)
    return Trained(tmp_path / "best.pt", tmp_path / "chosen.json")


def test_small_weights_are_stored_as_they_are(source, tmp_path):
    exported = export_weights(source, VALUES, tmp_path / "out")
    assert exported.dtype == "float32"
    weights, thresholds, *_ = exported.files
    before, after = (load_checkpoint(path).model.state_dict() for path in (source.checkpoint, weights))
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert read_thresholds(thresholds) == THRESHOLDS
    assert f"weights.pt: {weights.stat().st_size:,} bytes, float32" in exported.sentence()


def test_larger_weights_are_stored_as_float16_and_loaded_as_float32(source, tmp_path):
    exported = export_weights(source, VALUES, tmp_path / "out", max_bytes=source.checkpoint.stat().st_size - 1)
    weights = next(iter(exported.files))
    assert exported.dtype == "float16" and exported.files[weights] < source.checkpoint.stat().st_size
    stored = torch.load(weights, weights_only=True)["weights"].values()
    assert {value.dtype for value in stored if value.is_floating_point()} == {torch.float16}
    before, after = load_checkpoint(source.checkpoint), load_checkpoint(weights)
    assert {value.dtype for value in after.model.parameters()} == {torch.float32}
    assert replace(after, model=before.model) == before
    for name, value in before.model.state_dict().items():
        assert torch.equal(after.model.state_dict()[name], value.half().to(value.dtype) if value.is_floating_point() else value)
    assert torch.isfinite(after.model(noisy_inputs())["pitch"]).all()


def test_too_large_weights_are_refused_and_nothing_is_written(source, tmp_path):
    with pytest.raises(InputError, match=r"best\.pt: its weights take [\d,]+ bytes as float16, .* ships 1,000 at most"):
        export_weights(source, VALUES, tmp_path / "out", max_bytes=1000)
    assert not (tmp_path / "out").exists()


def test_weights_that_float16_cannot_hold_are_refused(source, tmp_path):
    trained = load_checkpoint(source.checkpoint)
    name, value = next(iter(trained.model.named_parameters()))
    with torch.no_grad():
        value.flatten()[0] = 1e6
    save_checkpoint(source.checkpoint, trained)
    with pytest.raises(InputError, match=rf"best\.pt: {name} holds a value that is not a number of float16"):
        export_weights(source, VALUES, tmp_path / "out", max_bytes=source.checkpoint.stat().st_size - 1)
    assert not (tmp_path / "out").exists()


def test_the_command_writes_all_files_and_says_their_sizes(source, tmp_path, capsys):
    out = tmp_path / "out"
    given = ["--checkpoint", str(source.checkpoint), "--thresholds", str(source.thresholds)]
    assert main(["export-weights", *given, "--params", str(PARAMS_FILE), "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {CARD_NAME, RECIPE_NAME, THRESHOLDS_NAME, WEIGHTS_NAME}
    said = capsys.readouterr().out
    assert all(f"{path}: {path.stat().st_size:,} bytes" in said for path in out.iterdir())
    written = {path: path.read_bytes() for path in out.iterdir()}
    again = ["export-weights", *given, "--params", str(PARAMS_FILE), "--out", str(out)]
    (out / WEIGHTS_NAME).write_bytes(b"another")
    assert main(again) == 2
    assert "weights.pt: exists already; --replace replaces it, --out chooses another name" in capsys.readouterr().err
    assert (out / WEIGHTS_NAME).read_bytes() == b"another"
    assert main([*again, "--replace"]) == 0
    assert {path: path.read_bytes() for path in out.iterdir()} == written


def test_the_weights_of_the_project_are_not_replaced_unless_asked_for():
    arguments = command_parser().parse_args(["export-weights"])
    assert not arguments.replace and not (ROOT / arguments.out).resolve().is_relative_to(FOLDER)


def test_both_files_are_given_or_none(tmp_path, monkeypatch, source):
    export_weights(source, VALUES, tmp_path / "came_along")
    monkeypatch.setattr(names, "FOLDER", tmp_path / "came_along")
    shipped_names = (WEIGHTS_NAME, THRESHOLDS_NAME, RECIPE_NAME)
    assert chosen(None, None) == Trained(*(tmp_path / "came_along" / name for name in shipped_names))
    assert chosen(Path("my.pt"), Path("my.json")) == Trained(Path("my.pt"), Path("my.json"))
    with pytest.raises(InputError, match=r"--checkpoint my\.pt needs --thresholds"):
        chosen(Path("my.pt"), None)
    with pytest.raises(InputError, match=r"--thresholds my\.json needs --checkpoint"):
        chosen(None, Path("my.json"))


def test_a_copy_without_weights_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=r"weights\.pt: no such file.*--checkpoint and --thresholds \(data/model/best\.pt"):
        shipped(tmp_path)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Return the video of a plain clip of three seconds."""
    folder = tmp_path_factory.mktemp("rendered")
    synth = replace(section(VALUES, "synth", SynthParams), test_s=LENGTH_S, seed=1)
    (folder / "test").mkdir()
    write_clip(folder, synth, task=ClipTask("test", 0, "plain", "plain_000"))
    return folder / "test/plain_000.mp4"


def transcribe(video, output, *options):
    return main(["transcribe", str(video), "-o", str(output), *options])


def test_the_weights_of_the_project_read_a_clip_rendered_here(rendered, tmp_path, monkeypatch):
    """The whole chain, the keyboard found from pixels: broken weights fall far below the bound. It is no benchmark."""
    assert (FOLDER / WEIGHTS_NAME).stat().st_size <= MAX_BYTES
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "out.mid"
    assert transcribe(rendered, output) == 0
    truth = read_midi(rendered.with_suffix(".mid"))
    scores = score_clip(truth, read_midi(output), GRID).values()
    assert len(truth) >= 8 and scores["onset_f1_50"] >= 0.9, scores


def test_a_transcription_warns_of_damaged_frames_and_refuses_many(rendered, tmp_path, capfd):
    content = bytearray(rendered.read_bytes())
    first = content.index(b"mdat") + 8
    middle = first + (len(content) - first) // 2
    for count, status in ((40, 0), ((len(content) - first) // 10, 2)):
        content[middle : middle + count] = bytes(255 - byte for byte in content[middle : middle + count])
        (tmp_path / "damaged.mp4").write_bytes(content)
        output = tmp_path / f"{count}.mid"
        assert transcribe(tmp_path / "damaged.mp4", output) == status
        assert output.exists() == (status == 0)
        assert "damaged.mp4: damaged frames: " in capfd.readouterr().err


def test_adapted_weights_still_read_it(rendered, tmp_path, monkeypatch):
    monkeypatch.setattr(adapt, "LEAST_NOTES", 8)
    plain, output = tmp_path / "plain.mid", tmp_path / "out.mid"
    assert transcribe(rendered, plain) == 0
    assert transcribe(rendered, output, "--adapt") == 0
    assert output.read_bytes() != plain.read_bytes()
    scores = score_clip(read_midi(rendered.with_suffix(".mid")), read_midi(output), GRID).values()
    assert scores["onset_f1_50"] >= 0.9, scores
