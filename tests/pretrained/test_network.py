"""The exported network: the same logits as the project's own, for any number of frames, in a file that tells no paths."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from model_cases import GEOMETRY, RUNTIME, model_params, noisy_strip
from paths import ROOT

from tivit.__main__ import main
from tivit.commands.export_network import FORMS
from tivit.core.errors import InputError
from tivit.inference.predict import predict_strip
from tivit.model.background import background_of
from tivit.model.build import build_model
from tivit.model.checkpoint import Checkpoint, save_checkpoint
from tivit.pretrained import network
from tivit.pretrained.network import StripNetwork, export_network, facts_of

TOLERANCE = 1e-4
"""Of a logit; float32 sums in another order differ by some 1e-5."""
LACKING = [name for name in ("onnx", "onnxscript", "onnxruntime") if importlib.util.find_spec(name) is None]
# Whoever installed the package without the extra `export` cannot write ONNX; requirements.txt, and so CI, has all three.
needs_onnx = pytest.mark.skipif(bool(LACKING), reason="the extra [export] of pyproject.toml is not installed")


def trained(backend: str = "key_vivit") -> Checkpoint:
    """Return a network with random weights."""
    torch.manual_seed(0)
    params = model_params(backend)
    model = build_model(params, GEOMETRY).eval()
    with torch.no_grad():
        for value in model.parameters():
            value += 0.1 * torch.randn_like(value)
        if backend == "key_vivit":
            model.events.bias.zero_()  # so that there are onsets
    return Checkpoint(model, params, GEOMETRY, 30.0, 7, 1)


def expected(checkpoint: Checkpoint, strip: np.ndarray) -> dict[str, np.ndarray]:
    """Return the logits of the pipeline."""
    return predict_strip(checkpoint.model, strip, GEOMETRY, RUNTIME, window_frames=16)


def check(checkpoint: Checkpoint, strip: np.ndarray, answers: list[np.ndarray]) -> None:
    """Fail unless the answers are the logits of the pipeline, which differ from frame to frame."""
    logits = expected(checkpoint, strip)
    assert list(logits) == list(checkpoint.model.head_names) and len(answers) == len(logits)
    for answer, (name, values) in zip(answers, logits.items(), strict=True):
        assert answer.shape == (len(strip), 88) and answer.dtype == np.float32
        np.testing.assert_allclose(answer, values, atol=TOLERANCE, err_msg=name)
    assert np.ptp(logits["onset"]) > 100 * TOLERANCE


@pytest.mark.parametrize("backend", ["key_vivit", "cnn_gru"])
def test_the_module_that_is_exported_says_what_the_pipeline_says(backend):
    checkpoint, strip = trained(backend), noisy_strip(16)
    background = torch.from_numpy(background_of(strip, GEOMETRY).image)
    with torch.inference_mode():
        answers = StripNetwork(checkpoint).eval()(torch.from_numpy(strip), background)
    check(checkpoint, strip, [answer.numpy() for answer in answers])


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory):
    """Return a checkpoint, and its network as ONNX, written by the command."""
    folder, checkpoint = tmp_path_factory.mktemp("onnx"), trained()
    save_checkpoint(folder / "best.pt", checkpoint)
    assert main(["export-network", "-o", str(folder / "n.onnx"), "--checkpoint", str(folder / "best.pt")]) == 0
    return checkpoint, folder / "n.onnx"


@needs_onnx
@pytest.mark.parametrize("length", [1, 3, 40])
def test_onnx_gives_the_same_logits_for_any_number_of_frames(onnx_file, length):
    import onnxruntime

    checkpoint, path = onnx_file
    strip = noisy_strip(length, seed=length)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = {"frames": strip, "background": background_of(strip, GEOMETRY).image}
    assert [output.name for output in session.get_outputs()] == list(checkpoint.model.head_names)
    assert session.get_modelmeta().custom_metadata_map == facts_of(checkpoint)
    check(checkpoint, strip, session.run(None, inputs))


@needs_onnx
def test_the_example_needs_the_file_and_onnx_runtime_alone(onnx_file, tmp_path):
    """It reads the strip in windows; a strip at rest has the background that the pipeline finds."""
    checkpoint, path = onnx_file
    strip = np.repeat(noisy_strip(1), 300, axis=0)
    strip[150:160] = 255 - strip[150:160]
    np.save(tmp_path / "strip.npy", strip)
    command = [sys.executable, str(ROOT / "docs/examples/read_strip.py"), str(path), str(tmp_path / "strip.npy")]
    hidden = "import sys; sys.modules['torch'] = sys.modules['tivit'] = None; sys.argv = sys.argv[1:]; import runpy; "
    command[1:1] = ["-c", hidden + "runpy.run_path(sys.argv[0], run_name='__main__')"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": ""})
    assert done.returncode == 0, done.stderr
    probability = 1 / (1 + np.exp(-expected(checkpoint, strip)["onset"].astype(float)))
    printed = [line.split(" ") for line in done.stdout.splitlines()]
    assert len(printed) > 0
    for time_s, midi, value in printed:
        assert float(value) == pytest.approx(probability[round(float(time_s) * 30), int(midi) - 21], abs=0.006)


def test_a_program_of_pytorch_gives_the_same_logits_for_any_number_of_frames(tmp_path):
    checkpoint, path = trained(), tmp_path / "n.pt2"
    export_network(checkpoint, path, "pt2")
    facts = {f"{name}.txt": "" for name in facts_of(checkpoint)}
    program = torch.export.load(path, extra_files=facts).module()
    assert {name.removesuffix(".txt"): value for name, value in facts.items()} == facts_of(checkpoint)
    for length in (3, 40):
        strip = noisy_strip(length, seed=length)
        with torch.inference_mode():
            answers = program(torch.from_numpy(strip), torch.from_numpy(background_of(strip, GEOMETRY).image))
        check(checkpoint, strip, [answer.numpy() for answer in answers])
    assert str(ROOT).encode() not in path.read_bytes()


@needs_onnx
def test_an_onnx_file_tells_no_paths_of_the_machine(onnx_file):
    assert str(ROOT).encode() not in onnx_file[1].read_bytes()


def test_a_network_that_reads_frames_in_groups_is_refused(tmp_path):
    with pytest.raises(InputError, match="model.backend vivit: reads 2 frames at a time.*key_vivit and cnn_gru"):
        export_network(trained("vivit"), tmp_path / "n.pt2", "pt2")


def test_nothing_is_replaced_and_a_missing_package_is_named(tmp_path, monkeypatch):
    (tmp_path / "n.pt2").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"n\.pt2: exists already; choose another name by -o"):
        export_network(trained(), tmp_path / "n.pt2", "pt2")
    assert (tmp_path / "n.pt2").read_bytes() == b"mine"
    monkeypatch.setattr(network.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--format onnx needs the package onnx and onnxscript; install it with `pip install"):
        export_network(trained(), tmp_path / "n.onnx", "onnx")
    assert not (tmp_path / "n.onnx").exists()


def test_the_command_offers_the_forms_there_are():
    assert set(FORMS) == set(network.FORMS)
