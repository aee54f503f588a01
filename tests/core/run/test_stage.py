"""The shell of a stage: what ends in which status, and in how many words."""

import ast
import os
import signal
import subprocess
import sys

import pytest
from paths import ROOT

from tivit.core.errors import InputError
from tivit.core.run.stage import exit_status, run_stage


def raiser(error: BaseException):
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (InputError("clips.csv: no such file"), 2, "error: clips.csv: no such file\n"),
        (OSError(28, "No space left on device", "a.npz"), 2, "error: a.npz: No space left on device\n"),
        (KeyboardInterrupt(), 130, "stopped: what was finished is kept, run the same command to go on\n"),
    ],
)
def test_foreseen_ends_are_one_sentence(capsys, error, status, sentence):
    assert exit_status(raiser(error)) == status
    assert capsys.readouterr().err == sentence


def test_a_fault_of_the_program_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        exit_status(raiser(ZeroDivisionError()))


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "ZeroDivisionError"])
def test_ctrl_c_between_imports_ends_in_a_sentence(error):
    code = f"import tivit.core.run.stage\nraise {error}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    if error == "KeyboardInterrupt":
        assert done.stderr == "stopped: what was finished is kept, run the same command to go on\n"
        assert done.returncode == -signal.SIGINT
    else:
        assert done.returncode == 1 and done.stderr.startswith("Traceback")


@pytest.mark.parametrize("path", sorted((ROOT / "stages").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_a_stage_imports_first_what_ends_ctrl_c_in_a_sentence(path):
    imports = [node for node in ast.parse(path.read_text()).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [getattr(node, "module", None) for node in imports[:2]] == ["__future__", "tivit.core.run.stage"]


@pytest.mark.parametrize("length", [10, 1_000_000])
def test_a_reader_of_stdout_that_has_gone_ends_in_silence(length):
    """A short output is still buffered when the work ends, a long one fails while it is printed."""
    code = f"from tivit.core.run.stage import exit_status\nraise SystemExit(exit_status(lambda: print('x' * {length})))"
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_stage_gets_params_and_runtime(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        "seed: 3\nruntime: {workers: 1, engine: processes, scheduler: null, threads: 2, loaders: 0, device: cpu, "
        "precision: float32, compile: false, windows_at_once: null, log_every_steps: 5}\n"
    )
    seen = []
    assert run_stage(lambda params, runtime: seen.append((params["seed"], runtime.threads)), ["--params", str(path)]) == 0
    assert seen == [(3, 2)]


def test_a_stage_without_params_says_so(tmp_path, capsys):
    assert run_stage(lambda params, runtime: None, ["--params", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml: no such file" in capsys.readouterr().err
