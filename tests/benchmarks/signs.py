"""Which signs of a press a network reads: recall of a split whose small changes are partly taken away or turned.

    PYTHONPATH=. python tests/benchmarks/signs.py [--split val] [--checkpoint PATH --thresholds PATH]    after `dvc repro`

What differs little from the resting keyboard (a press; a hand differs much) is multiplied by a mask: a slice keeps the tails of
white keys alone, or their fronts, the seams between two white keys, the finger (nothing else changes), or turns every sign.
Onset recall and precision @ 50 ms, and recall by where the key lies from the point below the camera (true cameras), by pitch
class, and of notes held long. Rendered clips only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tivit.core import params as params_file
from tivit.core.artifacts import read_json
from tivit.core.keyboard import BLACK_FRONT_MM, CENTER_MM, IS_BLACK, RIGHT_MM, key_of
from tivit.core.logits import silenced
from tivit.core.manifest import read_manifest
from tivit.core.notes import Notes
from tivit.core.params import section
from tivit.core.run.runtime import RuntimeParams
from tivit.core.strip import StripGeometry, open_strips
from tivit.decoding.notes import decode_notes
from tivit.decoding.thresholds import read_thresholds
from tivit.inference.params import LogitsParams
from tivit.inference.predict import predict_strip
from tivit.model.background import background_of
from tivit.model.checkpoint import load_checkpoint
from tivit.model.fold import folded
from tivit.model.setup import prepare_torch
from tivit.scoring.scores import score_clip
from tivit.training.augment import TURN_FULL, TURN_NONE, Turn

SEAM_MM = 3.0
BELOW_MM, ASIDE_MM, HELD_S = 60.0, 350.0, 2.0
PLACES: dict[str, Callable[[Notes, float], np.ndarray]] = {
    "below": lambda notes, camera_mm: _away_mm(notes, camera_mm) < BELOW_MM,
    "between": lambda notes, camera_mm: (_away_mm(notes, camera_mm) >= BELOW_MM) & (_away_mm(notes, camera_mm) < ASIDE_MM),
    "aside": lambda notes, camera_mm: _away_mm(notes, camera_mm) >= ASIDE_MM,
    "C F": lambda notes, _: np.isin(notes.midi % 12, (0, 5)),
    "D G": lambda notes, _: np.isin(notes.midi % 12, (2, 7)),
    "E B": lambda notes, _: np.isin(notes.midi % 12, (4, 11)),
    "black": lambda notes, _: IS_BLACK[key_of(notes.midi)],
    "held": lambda notes, _: notes.offset_s - notes.onset_s >= HELD_S,
}


def masks(geometry: StripGeometry) -> dict[str, np.ndarray]:
    """Return slice name -> factor of small changes, float32 (H, W)."""
    shape = (geometry.height_px, geometry.width_px)
    is_front = np.repeat((np.arange(shape[0]) > geometry.row_px(BLACK_FRONT_MM))[:, None], shape[1], axis=1)
    x_mm = (np.arange(shape[1]) + 0.5) / geometry.px_per_mm_x
    seams_mm = RIGHT_MM[~IS_BLACK]
    is_seam = np.broadcast_to(np.abs(x_mm[:, None] - seams_mm).min(axis=1) < SEAM_MM, shape)
    kept = {
        "all": np.ones(shape), "tails alone": ~is_front, "fronts alone": is_front, "seams alone": is_seam, "no seams": ~is_seam,
        "finger alone": np.zeros(shape), "turned": -np.ones(shape), "half": np.full(shape, 0.5),
    }  # fmt: skip
    return {name: mask.astype(np.float32) for name, mask in kept.items()}


def _away_mm(notes: Notes, camera_mm: float) -> np.ndarray:
    return np.abs(CENTER_MM[key_of(notes.midi)] - camera_mm)


def changed(frames: np.ndarray, geometry: StripGeometry, mask: np.ndarray) -> np.ndarray:
    """Return a strip, uint8 (T, H, W), whose small differences from the resting keyboard are multiplied by `mask` (H, W)."""
    background = background_of(frames, geometry)
    turn = Turn(mask - 1.0, TURN_FULL * background.contrast, TURN_NONE * background.contrast)
    result = frames.astype(np.float32)
    turn.apply(result, background.image.astype(np.float32))
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", default="val")
    parser.add_argument("--checkpoint", default="data/model/best.pt")
    parser.add_argument("--thresholds", default="metrics/thresholds.json")
    arguments = parser.parse_args()
    params = params_file.load()
    runtime, window = section(params, "runtime", RuntimeParams), section(params, "logits", LogitsParams).window_frames
    prepare_torch(runtime)
    strips, manifest = open_strips("data/strips"), read_manifest("data/manifest")
    model, thresholds = folded(load_checkpoint(arguments.checkpoint).model), read_thresholds(arguments.thresholds)
    print(f"{'':13s} recall precision   " + " ".join(f"{name:>8s}" for name in PLACES))
    for name, mask in masks(strips.geometry).items():
        found, true = dict.fromkeys(PLACES, 0), dict.fromkeys(PLACES, 0)
        matched = estimated = total = 0
        for clip in manifest.of_split(arguments.split):
            camera_mm = read_json(Path("data/Synthetic") / f"{clip.clip_id}.json")["camera"]["position_mm"][0]
            frames, grid, notes = strips.open(clip.clip_id), strips.grids[clip.clip_id], manifest.notes[clip.clip_id]
            seen = frames if name == "all" else changed(frames, strips.geometry, mask)
            heads = silenced(predict_strip(model, seen, strips.geometry, runtime, window), clip.in_view)
            estimate = decode_notes(heads, grid, thresholds)
            pairs = score_clip(notes, estimate, grid).pairs
            is_found = np.zeros(len(notes), bool)
            is_found[pairs[:, 0]] = True
            matched, estimated, total = matched + len(pairs), estimated + len(estimate), total + len(notes)
            for place, of in PLACES.items():
                found[place] += int((is_found & of(notes, camera_mm)).sum())
                true[place] += int(of(notes, camera_mm).sum())
        cells = " ".join(f"{found[place] / max(true[place], 1):8.3f}" for place in PLACES)
        print(f"{name:13s} {matched / max(total, 1):6.3f} {matched / max(estimated, 1):9.3f}   {cells}", flush=True)
    print(f"{'notes':13s} {'':16s}   " + " ".join(f"{true[place]:8d}" for place in PLACES))


if __name__ == "__main__":
    main()
