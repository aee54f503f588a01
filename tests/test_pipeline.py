"""The real pipeline, end to end, on tiny params in a clone of the committed and changed files."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import yaml
from pipeline_cases import SHIPPED, START, change_params, environment, run, stages_run

from tivit.core.manifest import read_manifest
from tivit.core.notes import make_notes, read_midi, write_midi
from tivit.core.timegrid import TimeGrid
from tivit.scoring.scores import score_clip

LEAST_F1 = 0.6
"""Of onsets at 50 ms: far below what the weights reach (0.9), far above what a broken chain does."""
IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@localhost")
TRAINED = ("--checkpoint", "data/model/best.pt", "--thresholds", "metrics/thresholds.json")


@pytest.fixture(scope="module")
def clone(pristine_clone, tmp_path_factory) -> Path:
    """Return a clone in which the tiny pipeline has run, to be changed by the tests of this file."""
    return shutil.copytree(pristine_clone, tmp_path_factory.mktemp("pipeline") / "clone", symlinks=True)


def test_every_declared_output_is_there(clone):
    for file in ("dvc.yaml", "data/dvc.yaml"):
        for stage in yaml.safe_load((clone / file).read_text())["stages"].values():
            for kind in ("outs", "metrics", "plots"):
                for out in stage.get(kind, []):
                    assert (clone / (out if isinstance(out, str) else next(iter(out)))).exists()


def test_the_notes_of_the_test_clips_are_found(clone):
    scores = json.loads((clone / "metrics/evaluate.json").read_text())
    assert scores["refused"] == 0 and scores["onset_f1"] >= LEAST_F1, scores
    for clip in read_manifest(clone / "data/manifest").of_split("test"):
        assert len(read_midi(clone / f"data/transcriptions/{clip.clip_id}.mid")) > 0


def test_nothing_runs_twice(clone):
    assert stages_run(run(clone, "dvc", "repro")) == []


def test_git_sees_only_results_that_belong_in_git(clone):
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True).stdout
    paths = {line[3:] for line in changed.splitlines()}
    allowed = {
        "dvc.lock",
        "data/dvc.lock",
        "metrics/calibration.json",
        "metrics/evaluate.json",
        "metrics/sweep.json",
        "metrics/plots/",
    }
    kept = ("metrics/plots/", "data/code/")
    assert all(path in allowed or path.startswith(kept) for path in paths), paths


def test_a_change_of_decode_reruns_only_what_follows_the_logits(clone):
    change_params(clone, decode={"lambda_key": 0.3})
    assert stages_run(run(clone, "dvc", "repro")) == ["decode", "sweep", "evaluate"]


def test_a_comment_reruns_no_stage_and_a_function_those_that_reach_it(clone):
    notes, report = clone / "tivit/core/notes.py", clone / "tivit/scoring/report.py"
    source, prose = notes.read_text(), '"""Return '
    assert prose in source
    notes.write_text(source.replace(prose, '"""Give back ') + "\n\ndef unused():  # by any stage\n    return make_notes\n")
    assert stages_run(run(clone, "dvc", "repro")) == ["code"]
    report.write_text(report.read_text().replace("\n    return ", "\n    _ = 0\n    return ", 1))
    assert stages_run(run(clone, "dvc", "repro")) == ["code", "evaluate"]


def test_the_model_registry_gives_the_weights_of_a_version(clone, tmp_path):
    """From another clone, which has the tag and nothing in its cache, with the remote of the command."""
    remote, other, out = tmp_path / "remote", tmp_path / "other", tmp_path / "got.pt"
    run(clone, "dvc", "remote", "add", "--local", "--default", "registry", str(remote))
    run(clone, "dvc", "push", "data/model/best.pt")
    run(clone, "dvc", "remote", "remove", "--local", "registry")
    for command in (["add", "dvc.lock"], ["commit", "-qm", "trained"], ["tag", "key_vivit@v0.1.0", "-m", "a version"]):
        subprocess.run(["git", *IDENTITY, *command], cwd=clone, check=True)
    subprocess.run(["git", "clone", "-q", str(clone), str(other)], check=True)
    run(tmp_path, "dvc", "artifacts", "get", str(other), "key_vivit", "--remote-config", f"url={remote}", "-o", str(out))
    assert out.read_bytes() == (clone / "data/model/best.pt").read_bytes()


def test_a_change_of_runtime_reruns_nothing(clone):
    change_params(clone, runtime={"log_every_steps": 7, "workers": 1})
    assert stages_run(run(clone, "dvc", "repro")) == []


def test_a_mistyped_value_ends_in_one_sentence(clone, tmp_path):
    bad = yaml.safe_load((clone / "params.yaml").read_text())
    bad["decode"]["lamda_key"] = bad["decode"].pop("lambda_key")
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(bad))
    done = subprocess.run(
        [sys.executable, "-m", "stages.decode", "--params", str(path)], cwd=clone, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.startswith(
        "error: params: decode.lamda_key is unknown (did you mean 'lambda_key'?)"
    )
    assert "Traceback" not in done.stderr


def refused(clone: Path, *arguments: str) -> str:
    """Run a command that must end in bad input; return its last line on stderr, which must be the one sentence."""
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_transcribe_writes_midi_and_says_how_fast(clone, tmp_path):
    video, output = "data/Synthetic/test/plain_000.mp4", tmp_path / "out.mid"
    done = run(clone, "tivit", "transcribe", video, "-o", str(output), *TRAINED)
    said = re.search(r"out\.mid: (\d+) notes in 2\.0 s of video, \d+\.\d x real time", done)
    notes, truth = read_midi(output), read_midi(clone / video.replace(".mp4", ".mid"))
    assert said is not None and int(said[1]) == len(notes) > 0
    scores = score_clip(truth, notes, TimeGrid(30.0, 0.0, 60)).values()
    assert scores["onset_f1_50"] >= LEAST_F1, scores


def test_transcribe_is_the_pipeline_on_one_clip(clone, tmp_path):
    """The MIDI file of the evaluate stage and that of `transcribe` on the same video hold the same notes."""
    output = tmp_path / "out.mid"
    run(clone, "tivit", "transcribe", "data/Synthetic/test/plain_000.mp4", "-o", str(output), *TRAINED)
    ours, stage = (
        pretty_midi.PrettyMIDI(str(output)),
        pretty_midi.PrettyMIDI(str(clone / "data/transcriptions/test/plain_000.mid")),
    )
    rows = [
        sorted((note.pitch, note.start, note.end) for track in midi.instruments for note in track.notes)
        for midi in (ours, stage)
    ]
    assert len(rows[0]) == len(rows[1]) > 0
    np.testing.assert_allclose(np.array(rows[0]), np.array(rows[1]), atol=0.002)


def test_transcribe_refuses_what_it_cannot_use(clone, tmp_path):
    video = clone / "data/Synthetic/test/plain_000.mp4"
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "half.mp4").write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    (tmp_path / "other.pt").write_bytes(b"no checkpoint")
    out = ("-o", str(tmp_path / "out.mid"), *TRAINED)
    assert "none.mp4: no such video file" in refused(clone, "tivit", "transcribe", "none.mp4", *out)
    assert "text.mp4" in refused(clone, "tivit", "transcribe", str(tmp_path / "text.mp4"), *out)
    assert "half.mp4" in refused(clone, "tivit", "transcribe", str(tmp_path / "half.mp4"), *out)
    assert "other.pt" in refused(clone, "tivit", "transcribe", str(video), *out, "--checkpoint", str(tmp_path / "other.pt"))
    assert "not a point" in refused(clone, "tivit", "transcribe", str(video), *out, "--corners", "1,2", "3,4", "5,6", "7")
    assert not (tmp_path / "out.mid").exists()


def test_index_says_what_changed(clone):
    assert "0 faults" in run(clone, "tivit", "index", "Synthetic", "--check", "--full")
    assert "'Synthetik' is not one of" in refused(clone, "tivit", "index", "Synthetik")


def test_a_removed_folder_of_the_user_is_named_and_comes_back(clone):
    """DVC looks at what stages depend on before it runs any, so only its own error can come first; `doctor` has the remedy."""
    shutil.rmtree(clone / "data/own")
    done = subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=clone, env=environment(), capture_output=True, text=True)
    assert done.returncode != 0 and "data/own" in done.stderr and "Traceback" not in done.stderr
    told = subprocess.run([sys.executable, "-m", "tivit", "doctor"], cwd=clone, capture_output=True, text=True)
    assert told.returncode == 1 and "data/own" in told.stdout
    subprocess.run(re.search("`(git checkout [^`]+)`", told.stdout)[1].split(), cwd=clone, check=True, capture_output=True)
    assert stages_run(run(clone, "dvc", "repro")) == []


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(clone, tmp_path):
    whole = (clone / "data/model/best.pt").read_bytes()
    (clone / "data/model/best.pt").unlink()
    state = tmp_path / "state"
    environment = os.environ | {"TIVIT_STATE_DIR": str(state)}
    process = subprocess.Popen([sys.executable, "-m", "stages.train"], cwd=clone, env=environment, stderr=subprocess.DEVNULL)
    while not list(state.glob("*/2.pt")) and process.poll() is None:
        os.sched_yield()
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the training ended before it was killed"
    done = subprocess.run([sys.executable, "-m", "stages.train"], cwd=clone, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    went_on = re.search(r"going on from step (\d+) of 4", done.stderr)
    assert went_on is not None and int(went_on[1]) >= 2, done.stderr
    assert (clone / "data/model/best.pt").read_bytes() == whole


def test_a_clone_without_videos_sweeps_again_from_a_remote(clone, tmp_path):
    """Only what the stages that run again read is fetched: neither videos nor strips."""
    remote, other = tmp_path / "remote", tmp_path / "other"
    change_params(clone, decode={"lambda_key": 0.2})
    run(clone, "dvc", "repro")
    run(clone, "dvc", "remote", "add", "--local", "--default", "team", str(remote))
    run(clone, "dvc", "push")
    for command in (["add", "-A"], ["-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "results"]):
        subprocess.run(["git", *command], cwd=clone, check=True)
    subprocess.run(["git", "clone", "-q", str(clone), str(other)], check=True)
    run(other, "dvc", "remote", "add", "--local", "--default", "team", str(remote))
    shutil.copy(SHIPPED, other / START)
    assert stages_run(run(other, "dvc", "repro", "--pull", "--allow-missing")) == []
    change_params(other, sweep={"onset_thresholds": [0.21, 0.42]})
    assert stages_run(run(other, "dvc", "repro", "--pull", "--allow-missing")) == ["sweep", "evaluate"]
    assert json.loads((other / "metrics/thresholds.json").read_text())["onset"]["threshold"] in (0.21, 0.42)
    assert not any((other / "data" / name).exists() for name in ("Synthetic", "strips", "logits"))


def test_one_command_trains_on_own_clips_from_a_checkpoint(clone):
    """A clip and a checkpoint put into their folders re-run what reads them; what leaves the folder leaves the results."""
    before = (clone / "data/manifest/clips.csv").read_bytes()
    truth = json.loads((clone / "data/Synthetic/train/plain_000.json").read_text())
    onset_s, offset_s, midi = np.array(truth["notes"])[:, :3].T
    write_midi(clone / "data/own/first.mid", make_notes(onset_s + 1.5, offset_s + 1.5, midi.astype(int)))
    shutil.copy(clone / "data/Synthetic/train/plain_000.mp4", clone / "data/own/first.mp4")
    (clone / "data/own/clips.csv").write_text("stem,offset_s\nfirst,-1.5\n")
    shutil.copy(clone / "data/model/best.pt", clone / START)
    output = run(clone, "dvc", "exp", "run", "-S", f"train.init={START}", "-S", "train.steps=6")
    assert stages_run(output)[:5] == ["register", "strips", "manifest", "train", "logits"]
    manifest = read_manifest(clone / "data/manifest")
    mine = [clip for clip in manifest.clips if clip.clip_id == "own/first"]
    assert [(clip.split, clip.tier) for clip in mine] == [("train", "own")]
    notes = manifest.notes["own/first"]
    np.testing.assert_allclose(np.sort(notes.onset_s), np.sort(onset_s), atol=0.002)
    assert set(notes.hand) == set(notes.staff) == {-1}
    metrics = json.loads((clone / "metrics/train.json").read_text())
    assert (metrics["clips"], metrics["own_clips"], metrics["steps"]) == (3, 1, 6)
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True).stdout
    assert "data/own" not in changed and "data/pretrained" not in changed
    for name in ("own/first.mid", "own/first.mp4", "own/clips.csv"):
        (clone / "data" / name).unlink()
    run(clone, "dvc", "repro", "manifest")
    assert (clone / "data/manifest/clips.csv").read_bytes() == before
