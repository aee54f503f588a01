"""The library as a user imports it: what `import tivit` loads, and what the three lines of the README return."""

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from paths import PARAMS_FILE, ROOT

import tivit
from tivit.__main__ import main
from tivit.core.errors import InputError
from tivit.core.notes import Notes, read_midi
from tivit.core.params import load, section
from tivit.synth.dataset import ClipTask, write_clip
from tivit.synth.params import SynthParams
from tivit.transcription.batch import write_midi_of
from tivit.transcription.result import Transcription


def printed(program: str) -> str:
    """Return what a Python of its own prints."""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_loads_nothing_else_of_it_and_no_library():
    assert printed(
        "import sys; before = set(sys.modules); import tivit\n"
        "loaded = {name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)\n"
        "print(sorted(loaded), [name for name in sys.modules if name.startswith('tivit.')])"
    ) == "['tivit'] []\n"  # fmt: skip


def test_the_public_name_is_the_function_and_torch_still_waits():
    program = "import sys; from tivit import transcribe; print(transcribe.__module__, 'torch' in sys.modules)"
    assert printed(program) == "tivit.api False\n"


def test_names_are_offered_and_others_are_refused_as_of_any_module():
    assert (
        printed("import tivit; print(dir(tivit)); from tivit import *; print(transcribe.__name__)")
        == "['transcribe']\ntranscribe\n"
    )
    with pytest.raises(AttributeError, match="module 'tivit' has no attribute 'transcribes'"):
        tivit.transcribes  # noqa: B018  looking it up is the test
    assert printed("from tivit import targets; print(targets.__name__)") == "tivit.targets\n"


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Return a rendered video of three seconds."""
    folder = tmp_path_factory.mktemp("api")
    (folder / "test").mkdir()
    synth = replace(section(load(PARAMS_FILE), "synth", SynthParams), test_s=3.0, seed=1)
    write_clip(folder, synth, task=ClipTask("test", 0, "plain", "plain_000"))
    return folder / "test/plain_000.mp4"


def test_it_returns_the_notes_that_the_command_writes(video, tmp_path):
    result = tivit.transcribe(str(video))
    assert isinstance(result, Transcription) and isinstance(result.notes, Notes) and len(result.notes) > 3
    for part in (result.notes, result.confidence):
        assert {len(getattr(part, field.name)) for field in fields(part)} == {len(result.notes)}
    assert result.confidence.onset.min() >= 0.0 and result.confidence.onset.max() <= 1.0
    assert (result.notes.onset_s < result.notes.offset_s).all() and result.notes.offset_s.max() <= 3.1

    assert main(["transcribe", str(video), "-o", str(tmp_path / "command.mid"), "--quiet"]) == 0
    write_midi_of(tmp_path / "python.mid", result)
    command, python = read_midi(tmp_path / "command.mid"), read_midi(tmp_path / "python.mid")
    assert np.array_equal(command.midi, python.midi) and np.array_equal(command.onset_s, python.onset_s)
    assert (tmp_path / "command.mid").read_bytes() == (tmp_path / "python.mid").read_bytes()


def test_a_part_is_read_and_progress_is_told(video):
    told = []
    result = tivit.transcribe(video, span_s=(1.0, 2.5), on_window=told.append)
    assert told and result.notes.onset_s.min() >= 1.0 - 0.1 and result.notes.onset_s.max() <= 2.5


def test_a_video_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.mp4: no such video file"):
        tivit.transcribe(tmp_path / "none.mp4")
