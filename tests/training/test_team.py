"""Several processes: who draws what, equal weights in all of them, resume after a kill, and what is refused."""

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from model_cases import RUNTIME, batch_of, model_params, played_clip, train_data, train_params
from paths import ROOT
from torch import nn

from tivit.core.errors import InputError
from tivit.core.manifest import Clip, Manifest, write_manifest
from tivit.core.strip import strip_path, write_strip_index
from tivit.training import team as team_module
from tivit.training.loop import Trainer
from tivit.training.team import ALONE, Team, joined


@pytest.fixture
def project(tmp_path):
    """Return a folder with strips, manifest and params of a tiny training."""
    data = train_data()
    clips = [*data.train, *data.val]
    for clip in clips:
        path = strip_path(tmp_path / "data/strips", clip.clip_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, clip.frames)
    write_strip_index(tmp_path / "data/strips", data.geometry, {clip.clip_id: clip.grid for clip in clips})
    listed = tuple(Clip(clip.clip_id, clip.clip_id.split("/")[0], "", "x.mp4", 21, 108) for clip in clips)
    write_manifest(tmp_path / "data/manifest", Manifest(listed, {clip.clip_id: clip.notes for clip in clips}))
    sections = {"model": asdict(model_params(dropout=0.1)), "train": asdict(train_params()), "runtime": asdict(RUNTIME)}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(sections))
    return tmp_path


def launched(folder: Path, *options: str, die_at: int = -1) -> subprocess.Popen:
    """Start the train stage by torchrun in `folder`; after `die_at` steps a process kills itself."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment.pop("TIVIT_STATE_DIR", None)
    program = [str(ROOT / "tests/helpers/training_process.py"), str(die_at)]
    command = [sys.executable, "-m", "torch.distributed.run", *options, *program]
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def run_two(folder: Path, die_at: int = -1) -> subprocess.CompletedProcess:
    """Run the train stage in two processes of one machine."""
    process = launched(folder, "--standalone", "--nproc_per_node=2", die_at=die_at)
    _, stderr = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, stderr=stderr)


def run_on_two_machines(folder: Path) -> list[str]:
    """Run the train stage in one process on each of two machines, which here are one; return what each says on stderr."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    both = ["--nnodes=2", "--nproc_per_node=1", "--master_addr=127.0.0.1", f"--master_port={port}"]
    processes = [launched(folder, *both, f"--node_rank={rank}") for rank in (0, 1)]
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    return said


def same(first: object, second: object) -> bool:
    """True when two nested values hold the same numbers, bit by bit."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def ends_of(folder: Path) -> list[dict]:
    """Return what the trainers of both processes ended with."""
    return [torch.load(folder / f"end_{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_two_processes_end_with_the_same_weights_and_a_killed_run_goes_on_to_them(project):
    done = run_two(project)
    assert done.returncode == 0, done.stderr
    whole, best = ends_of(project), (project / "data/model/best.pt").read_bytes()
    assert same(*whole) and whole[0]["step"] == 6
    shutil.rmtree(project / ".tivit/state")
    (project / "data/model/best.pt").unlink()

    assert run_two(project, die_at=5).returncode != 0
    assert len(list(project.rglob("state/*/*.pt"))) == 1 and not (project / "data/model/best.pt").exists()

    said = run_on_two_machines(project)
    assert "".join(said).count("going on from step 4 of 6") == 1
    assert all(same(*pair) for pair in zip(ends_of(project), whole, strict=True))
    assert (project / "data/model/best.pt").read_bytes() == best


def test_a_run_killed_after_its_last_step_only_writes(project):
    """The state of the last step is read by both processes before the first removes it."""
    assert run_two(project, die_at=train_params().steps).returncode != 0
    assert len(list(project.rglob("branch.pt"))) == 1 and not (project / "data/model/best.pt").exists()
    done = run_two(project)
    assert done.returncode == 0, done.stderr
    assert (project / "data/model/best.pt").exists() and not list(project.rglob("branch.pt"))
    assert same(*ends_of(project))


def test_each_process_draws_its_own_part_and_the_first_what_one_alone_would():
    clips, params = [played_clip("a"), played_clip("b", 24, 1)], train_params(clips_per_step=2)
    parts = [batch_of(clips, params, 5, 3, Team(rank, 2)) for rank in (0, 1)]
    assert [len(part.windows) for part in parts] == [1, 1]
    assert not torch.equal(parts[0].windows, parts[1].windows)
    again, one = batch_of(clips, params, 5, 3, Team(1, 2)), batch_of(clips, train_params(clips_per_step=1), 5, 3)
    assert torch.equal(parts[1].windows, again.windows) and torch.equal(parts[0].windows, one.windows)


def test_processes_that_would_not_train_the_same_are_refused(monkeypatch):
    def gather(values, value):
        values[:] = [value, "run b, step 4"]

    monkeypatch.setattr(team_module.dist, "all_gather_object", gather)
    Team(0, 2).refuse_apart("run b, step 4")
    with pytest.raises(InputError, match="process 0 has run a, step 0, process 1 has run b, step 4; .* shared disk"):
        Team(0, 2).refuse_apart("run a, step 0")


def test_windows_that_cannot_be_shared_are_refused():
    with pytest.raises(InputError, match="train.clips_per_step 2 cannot be shared by 3 processes; use a multiple of 3"):
        batch_of([played_clip("a")], train_params(), 5, 3, Team(0, 3))


def test_only_the_first_validates():
    trainers = [Trainer(train_data(), model_params(), train_params(), RUNTIME, team=Team(rank, 2)) for rank in (0, 1)]
    assert trainers[0].val_batches and not trainers[1].val_batches


def test_batch_norm_is_synchronised_on_cuda_only():
    kinds = {
        (size, device): type(Team(0, size).synchronised(nn.Sequential(nn.BatchNorm2d(2)), torch.device(device))[0])
        for size in (1, 2)
        for device in ("cpu", "cuda")
    }
    assert {place for place, kind in kinds.items() if kind is nn.SyncBatchNorm} == {(2, "cuda")}


def test_without_torchrun_a_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined(RUNTIME) as team:
        assert team is ALONE and team.is_first


@pytest.mark.parametrize(
    ("local_size", "device", "message"),
    [
        ("2", "cuda:1", "runtime.device 'cuda:1': with 2 processes use cuda"),
        ("2", "cuda", "2 processes of a machine need as many GPUs, found 1"),
    ],
)
def test_a_team_that_cannot_work_is_refused(monkeypatch, local_size, device, message):
    monkeypatch.setattr(team_module.torch.cuda, "device_count", lambda: 1)
    for name, value in {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": local_size, "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message), joined(replace(RUNTIME, device=device)):
        pass
