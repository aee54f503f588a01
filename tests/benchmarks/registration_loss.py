"""What registration costs the notes: test scores with keyboards found in the pixels beside those of the true cameras.

    PYTHONPATH=. python tests/benchmarks/registration_loss.py        after `dvc repro` of the rendered dataset

The same checkpoint and thresholds, the same test clips; only the strips differ. The true registration of a clip is the
homography and the x correction that fit the projection of its true camera, lens included, over the whole strip.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from tivit.core import params as params_file
from tivit.core.artifacts import read_json
from tivit.core.keyboard import KEYBOARD_WIDTH_MM
from tivit.core.manifest import read_manifest
from tivit.core.params import section
from tivit.core.registration import FILE_NAME, Registration, read_registrations
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry
from tivit.datasets.params import DataParams
from tivit.datasets.registry import open_dataset
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import read_thresholds
from tivit.inference.params import LogitsParams
from tivit.inference.predict import predict_strip
from tivit.model.checkpoint import load_checkpoint
from tivit.model.setup import prepare_torch
from tivit.scoring.scores import score_clip, summary_by_tier
from tivit.synth.camera import Camera
from tivit.video.rectify import write_strip

ROUNDS = 4
"""Homography and x correction are fitted in turns."""


def true_registration(found: Registration, truth: dict, geometry: StripGeometry, order: int) -> Registration:
    """Return the registration of the true camera in `truth` (a clip's JSON), otherwise like `found`."""
    values = truth["camera"]
    camera = Camera(
        truth["width"], truth["height"], values["focal_px"], np.array(values["position_mm"]), np.array(values["rotation"]),
        values["k1"],
    )  # fmt: skip
    x_mm, y_mm = np.meshgrid(np.linspace(0, KEYBOARD_WIDTH_MM, 89), np.linspace(geometry.y_front_mm, geometry.y_back_mm, 19))
    image = camera.project(np.stack([x_mm, y_mm, np.zeros_like(x_mm)], axis=-1)).reshape(-1, 2)
    s = 2 * x_mm.ravel() / KEYBOARD_WIDTH_MM - 1
    coefficients = np.zeros(order + 1)
    for _ in range(ROUNDS):
        plane_x = x_mm.ravel() + np.polynomial.polynomial.polyval(s, coefficients)
        strip = np.column_stack([geometry.column_px(plane_x), geometry.row_px(y_mm.ravel())])
        homography = _fitted(image, strip)
        seen = np.column_stack([image, np.ones(len(image))]) @ homography.T
        coefficients = np.polynomial.polynomial.polyfit(s, seen[:, 0] / seen[:, 2] / geometry.px_per_mm_x - x_mm.ravel(), order)
    return replace(found, homography=tuple(map(tuple, homography.tolist())), x_correction=tuple(coefficients.tolist()))


def _fitted(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the homography that fits all point pairs (least squares on the normalised linear equations)."""
    scale = np.diag([1 / source.std(), 1 / source.std(), 1.0]) @ np.array(
        [[1, 0, -source[:, 0].mean()], [0, 1, -source[:, 1].mean()], [0, 0, 1.0]]
    )
    p = np.column_stack([source, np.ones(len(source))]) @ scale.T
    zero = np.zeros_like(p)
    rows = [np.column_stack([p, zero, -target[:, :1] * p]), np.column_stack([zero, p, -target[:, 1:] * p])]
    matrix = np.linalg.svd(np.concatenate(rows))[2][-1].reshape(3, 3) @ scale
    return matrix / matrix[2, 2]


def main() -> None:
    params = params_file.load()
    runtime, geometry = section(params, "runtime", RuntimeParams), section(params, "strips", StripGeometry)
    logits, data = section(params, "logits", LogitsParams), section(params, "data", DataParams)
    dataset, manifest = open_dataset(data), read_manifest("data/manifest")
    found = read_registrations(Path("data/registration") / FILE_NAME)
    thresholds = read_thresholds("metrics/thresholds.json")
    prepare_torch(runtime)
    model = load_checkpoint("data/model/best.pt").model
    indexed = {clip.clip_id: clip for clip in dataset.clips()}
    blocks = {}
    for name in ("found", "true"):
        scores = {}
        for clip in manifest.of_split("test"):
            video = dataset.video_path(indexed[clip.clip_id])
            registration = found[clip.clip_id]
            if name == "true":
                truth = read_json(video.with_suffix(".json"))
                registration = true_registration(registration, truth, geometry, len(registration.x_correction) - 1)
            with tempfile.TemporaryDirectory() as folder:
                grid = write_strip(video, registration, geometry, data.fps, Path(folder) / "strip.npy")
                frames = np.load(Path(folder) / "strip.npy", mmap_mode="r", allow_pickle=False)
                heads = predict_strip(model, frames, geometry, runtime, logits.window_frames)
            notes = decode_notes(heads, grid, thresholds)
            scores[clip.clip_id] = score_clip(manifest.notes[clip.clip_id], notes, grid)
        blocks[name] = summary_by_tier(scores, {clip.clip_id: clip.tier for clip in manifest.of_split("test")})
    for tier in ("plain", "hard"):
        pair = [blocks[name][tier]["onset_f1_50"] for name in ("found", "true")]
        print(f"{tier}: onset F1 @ 50 ms, keyboards found {pair[0]:.4f}, true {pair[1]:.4f}, loss {pair[1] - pair[0]:+.4f}")


if __name__ == "__main__":
    main()
