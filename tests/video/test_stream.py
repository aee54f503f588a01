"""Every frame in colour, decoded once."""

import av
import numpy as np
import pytest

from tivit.video.reader import sample_frames
from tivit.video.stream import stream_frames


def write_video(path, levels):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in levels:
            picture = np.full((48, 64, 3), level, np.uint8)
            picture[:, :24] //= 2
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return path


def test_all_frames_come_in_order_without_flat_ones(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [0, 0, *range(100, 200, 10)])
    frames = list(stream_frames(video))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(2, 12) * 0.04)
    assert [float(np.median(frame.image)) for frame in frames] == pytest.approx(range(100, 200, 10), abs=8)
    part = list(stream_frames(video, (0.11, 0.25)))
    assert [frame.time_s for frame in part] == pytest.approx([0.12, 0.16, 0.2, 0.24])
    same = sample_frames(video, 20, (0.11, 0.25))
    assert all(np.array_equal(one.image, other.image) for one, other in zip(part, same, strict=True))
