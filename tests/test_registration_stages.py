"""The stages register and strips on a tiny dataset of drawn clips: what they write, and clips that cannot be used."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from registration_cases import Look, random_view, render

from stages import register, strips
from tivit.core import params as params_file
from tivit.core.artifacts import write_json
from tivit.core.errors import InputError
from tivit.core.manifest import Clip, Manifest, write_manifest
from tivit.core.notes import empty_notes
from tivit.core.registration import read_registrations
from tivit.core.runtime import RuntimeParams
from tivit.core.strip import open_strips
from tivit.datasets.index import write_index

RUNTIME = RuntimeParams(workers=1, threads=1, device="cpu", precision="float32", log_every_steps=1)
PARAMS = params_file.load(Path(__file__).parents[1] / "params.yaml")
IDS = ("test/hard_000", "train/plain_000", "val/plain_000")


def write_clip(stem, picture, key_centers_px):
    writer = cv2.VideoWriter(f"{stem}.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 30.0, (640, 360))
    for _ in range(10):
        writer.write(picture)
    writer.release()
    write_json(f"{stem}.json", {"notes": [], "key_centers_px": key_centers_px.tolist()})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a folder with two drawn clips and one black one, made the working directory."""
    monkeypatch.chdir(tmp_path)
    for variable in ("TIVIT_DATA_DIR", "DATASETS_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for number, clip_id in enumerate(IDS):
        rng = np.random.default_rng([9, number])
        view = random_view(rng)
        picture = np.zeros((360, 640, 3), np.uint8) if clip_id.startswith("test") else render(view, rng, Look())
        stem = tmp_path / "data/Synthetic" / clip_id
        stem.parent.mkdir(parents=True)
        write_clip(stem, picture, view.key_centers_px())
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    return tmp_path


def test_register_names_what_it_refuses_and_measures_the_rest(project, caplog):
    with caplog.at_level("INFO", logger="tivit"):
        register.run(PARAMS, RUNTIME)
    found = read_registrations("data/registration/reg_refined.json")
    assert [found[clip_id].status for clip_id in IDS] == ["refused", "ok", "ok"]
    assert "refused test/hard_000: no row of black keys was found" in caplog.text
    metrics = json.loads(Path("metrics/register.json").read_text())
    assert (metrics["clips"], metrics["refused"], metrics["keys_right"]) == (3, 1, 1.0)
    assert 0 < metrics["key_err_median"] < 0.05 and metrics["key_err_p95"] < 0.1
    overlays = sorted(path.name for path in Path("data/registration/overlays").iterdir())
    assert overlays == ["test__hard_000.png", "train__plain_000.png", "val__plain_000.png"]
    assert cv2.imread("data/registration/overlays/train__plain_000.png").shape[1] == 960


def test_register_refuses_a_video_that_cannot_be_read(project):
    Path("data/Synthetic/val/plain_000.mp4").write_bytes(b"not a video")
    write_index("Synthetic", Path("data/Synthetic"), Path("data/index/Synthetic.json"))
    register.run(PARAMS, RUNTIME)
    broken = read_registrations("data/registration/reg_refined.json")["val/plain_000"]
    assert broken.status == "refused" and "cannot be opened as a video" in broken.reason


def test_corners_from_params_are_used(project):
    corners = [[60.0, 100.0], [600.0, 100.0], [600.0, 180.0], [60.0, 180.0]]
    changed = PARAMS | {"registration": PARAMS["registration"] | {"corners": {"test/hard_000": corners}}}
    register.run(changed, RUNTIME)
    reason = read_registrations("data/registration/reg_refined.json")["test/hard_000"].reason
    assert reason == "no black keys were found between the corners"


def test_strips_hold_every_clip_of_the_manifest(project):
    register.run(PARAMS, RUNTIME)
    usable = tuple(Clip(clip_id, clip_id.split("/")[0], "plain", f"{clip_id}.mp4", 21, 108) for clip_id in IDS[1:])
    write_manifest("data/manifest", Manifest(usable, {clip.clip_id: empty_notes() for clip in usable}))
    strips.run(PARAMS, RUNTIME)
    folder = open_strips("data/strips")
    assert sorted(folder.grids) == list(IDS[1:])
    frames = folder.open("train/plain_000")
    assert frames.shape == (10, 64, 832)
    front, black = frames[0, 45:55].mean(), frames[0, 10:30, folder.geometry.column_px(np.array([26.86])).astype(int)].mean()
    assert front > 2 * black


def test_strips_need_a_usable_registration(project):
    register.run(PARAMS, RUNTIME)
    clip = Clip("test/hard_000", "test", "hard", "test/hard_000.mp4", 21, 108)
    write_manifest("data/manifest", Manifest((clip,), {clip.clip_id: empty_notes()}))
    with pytest.raises(InputError, match="no usable registration of 'test/hard_000'"):
        strips.run(PARAMS, RUNTIME)
