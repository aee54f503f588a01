"""The decode stage: what it carries on, what it writes beside the logits, and how little it imports."""

import numpy as np
import pytest
import yaml

from stages import decode, evaluate, sweep
from tivit.core.errors import InputError
from tivit.core.logits import ClipLogits, read_logits, write_logits
from tivit.core.manifest import Clip, Manifest, write_manifest
from tivit.core.notes import make_notes
from tivit.core.runtime import RuntimeParams
from tivit.core.timegrid import TimeGrid
from tivit.evaluation.inputs import load_split

RUNTIME = RuntimeParams(1, 1, "cpu", "float32", False, 50)
SPLITS = ("val", "test")


@pytest.fixture
def params(request):
    return yaml.safe_load((request.config.rootpath / "params.yaml").read_text())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two clips a split, of 25 and 30 frames a second, each with one note; the current folder."""
    monkeypatch.chdir(tmp_path)
    clips, notes = [], {}
    for split in SPLITS:
        logits = []
        for number, fps in enumerate((25.0, 30.0)):
            clip_id, grid = f"{split}/{number}", TimeGrid(fps, 0.0, 60 + 20 * number)
            heads = {name: np.full((grid.length, 88), -6.0, np.float32) for name in ("pitch", "onset", "offset")}
            heads["onset"][20, 39] = heads["offset"][40, 39] = 4.0
            heads["pitch"][20:40, 39] = 4.0
            times = [grid.time_s(np.array([frame])) for frame in (20, 40)]
            unknown = np.array([-1])
            notes[clip_id] = make_notes(*times, np.array([60]), None, unknown, unknown)
            clips.append(Clip(clip_id, split, "plain", f"{clip_id}.mp4", 21, 108))
            logits.append(ClipLogits(clip_id, grid, heads))
        write_logits(f"data/logits/{split}.npz", logits)
    write_manifest("data/manifest", Manifest(tuple(clips), notes))
    return tmp_path


def test_a_partial_file_stays_partial_and_can_be_scored(folder, params):
    for split in SPLITS:
        path = f"data/logits/{split}.npz"
        write_logits(path, read_logits(path)[:1], [f"{split}/1"])
    for stage in (decode, sweep, evaluate):
        stage.run(params, RUNTIME)
    for split in SPLITS:
        clips = load_split(f"data/decoded/{split}.npz", "data/manifest", split)
        assert ([clip.logits.clip_id for clip in clips], clips.missing) == ([f"{split}/0"], (f"{split}/1",))


def test_a_clip_that_a_partial_file_does_not_name_is_an_error(folder, params):
    clips = read_logits("data/logits/val.npz")
    write_logits("data/logits/val.npz", clips[:1], ["val/7"])
    decode.run(params, RUNTIME)
    with pytest.raises(InputError, match="clip 'val/7' is not in split 'val'"):
        sweep.run(params, RUNTIME)
