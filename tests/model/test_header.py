"""The header of a checkpoint: what the whole file says, without torch; and one clear sentence for every file that has none."""

import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from model_cases import GEOMETRY, model_params
from paths import ROOT

from tivit.core.errors import InputError
from tivit.model.build import build_model
from tivit.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tivit.model.header import Header, read_header
from tivit.pretrained.files import chosen


def test_it_is_what_the_checkpoint_says(tmp_path):
    params = model_params()
    save_checkpoint(tmp_path / "a.pt", Checkpoint(build_model(params, GEOMETRY).eval(), params, GEOMETRY, 29.97, 7, 123))
    assert read_header(tmp_path / "a.pt") == Header(GEOMETRY, 29.97)
    shipped = chosen(None, None).checkpoint
    whole = load_checkpoint(shipped)
    assert read_header(shipped) == Header(whole.geometry, whole.fps)


@pytest.mark.parametrize("module", ["tivit.model.header", "tivit.transcription.batch", "tivit.commands.main"])
def test_torch_is_not_loaded_until_the_decoder_process_is_at_work(module):
    code = f"import sys, {module}; print([name for name in ('torch', 'scipy', 'music21', 'mir_eval') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


class Dangerous:
    def __reduce__(self):
        return (print, ("code of the file ran",))


def test_a_file_with_code_is_refused_and_does_not_run(tmp_path, capsys):
    torch.save({"format": Dangerous()}, tmp_path / "bad.pt")
    with pytest.raises(InputError, match=r"bad\.pt: not a readable checkpoint \(holds \w+\.print"):
        read_header(tmp_path / "bad.pt")
    assert capsys.readouterr().out == ""


def _zip(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b"no zip"), "not a readable checkpoint"),
        (lambda path: _zip(path, b"\x80\x04]a."), "not a readable checkpoint"),
        (lambda path: _zip(path, pickle.dumps([1, 2])), "not a "),
        (lambda path: _zip(path, pickle.dumps({"fps": 30.0})), r"not a checkpoint of this project \(.*geometry"),
        (lambda path: zipfile.ZipFile(path, "w").close(), "not a readable checkpoint"),
    ],
)
def test_what_is_no_checkpoint_is_one_sentence(tmp_path, make, sentence):
    make(tmp_path / "x.pt")
    with pytest.raises(InputError, match=rf"x\.pt: {sentence}"):
        read_header(tmp_path / "x.pt")
