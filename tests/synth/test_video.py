"""Written videos: every frame, at its time, in its colours, the same bytes again; strong compression hides small changes."""

import cv2
import numpy as np
import pytest

from tivit.core.artifacts import md5_of
from tivit.core.timegrid import TimeGrid
from tivit.synth.video import write_video
from tivit.video.reader import probe, read_frames

SIZE_PX = (128, 64)
LEFT_PX = 20


def moving(count):
    """Return frames whose bright square lies at x = LEFT_PX + k in frame k, over a grey ramp."""
    ramp = np.linspace(40, 120, SIZE_PX[0]).astype(np.uint8)
    frames = []
    for k in range(count):
        frame = np.tile(ramp[None, :, None], (SIZE_PX[1], 1, 3))
        frame[16:48, LEFT_PX + k : LEFT_PX + 16 + k] = 235
        frames.append(frame)
    return frames


@pytest.mark.parametrize("fps", [23.976, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 60.0])
def test_frame_k_is_read_at_k_over_fps_and_shows_frame_k(tmp_path, fps):
    path, frames = tmp_path / "clip.mp4", moving(41)
    write_video(path, frames, fps, SIZE_PX, 20.0)
    read = list(read_frames(path))
    assert probe(path).frame_count == len(read) == len(frames)
    assert probe(path).fps == pytest.approx(fps, abs=1e-9)
    times_s = [frame.time_s for frame in read]
    assert times_s[0] == 0.0
    assert np.allclose(times_s, TimeGrid(fps, 0.0, len(frames)).times_s(), atol=1e-6)
    edges_px = [int(np.argmax(frame.grey[32] > 180)) for frame in read]
    assert np.abs(np.array(edges_px) - LEFT_PX - np.arange(len(frames))).max() <= 1


def test_the_same_frames_give_the_same_bytes(tmp_path):
    paths = [tmp_path / name for name in ("one.mp4", "two.mp4")]
    for path in paths:
        write_video(path, moving(30), 30.0, SIZE_PX, 26.0)
    assert md5_of(paths[0]) == md5_of(paths[1])


def test_colours_survive(tmp_path):
    path, color = tmp_path / "clip.mp4", (60, 120, 200)
    write_video(path, [np.full((64, 128, 3), color, np.uint8)] * 3, 30.0, SIZE_PX, 17.0)
    shown = cv2.VideoCapture(str(path)).read()[1]
    assert np.abs(shown.reshape(-1, 3).mean(0) - color).max() < 4


def test_a_small_change_survives_weak_compression_and_not_strong(tmp_path):
    """Six grey levels on one block, in noise: the block is skipped where bits are few."""
    rng = np.random.default_rng(0)
    frames = [np.clip(rng.normal(128, 1.0, (64, 128, 1)), 0, 255).astype(np.uint8).repeat(3, axis=2) for _ in range(20)]
    for frame in frames[10:]:
        frame[24:32, 40:48] += 6
    change = {}
    for crf in (17.0, 45.0):
        path = tmp_path / f"{crf:g}.mp4"
        write_video(path, frames, 30.0, SIZE_PX, crf)
        grey = [frame.grey[25:31, 41:47].mean() for frame in read_frames(path)]
        change[crf] = grey[12] - grey[7]
    assert change[17.0] > 4 and change[45.0] < 2
