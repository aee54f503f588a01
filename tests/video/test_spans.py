"""A part of a video in order, and frames spread over it: at key frames, shortly after them, or from one reading of it all."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tivit.core.errors import InputError
from tivit.video.picture import Region
from tivit.video.reader import read_frames
from tivit.video.spans import WHOLE, read_span, spread_frames

FPS, SIZE = 30, (64, 48)
ALL = Region(0, 0, *SIZE)


def write(path, seconds, frames_per_key):
    """Write a video whose brightness says which frame it is, with a key frame every so many frames."""
    with av.open(str(path), "w") as file:
        options = {"crf": "10", "x264-params": f"keyint={frames_per_key}:min-keyint={frames_per_key}:scenecut=0"}
        stream = file.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for k in range(seconds * FPS):
            picture = np.full((SIZE[1], SIZE[0], 3), 20 + 200 * k // (seconds * FPS), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def times(frames):
    return np.array([frame.time_s for frame in frames])


def test_a_span_is_the_frames_between_its_ends_from_wherever_the_key_frames_lie(tmp_path):
    video = write(tmp_path / "a.mp4", 4, 50)
    whole = list(read_frames(video))
    np.testing.assert_array_equal(times(read_span(video)), times(whole))
    part = list(read_span(video, None, (1.0, 2.5)))
    np.testing.assert_allclose(times(part), np.arange(30, 76) / FPS, atol=1e-3)
    np.testing.assert_array_equal(part[0].grey, whole[30].grey)
    assert len(list(read_span(video, None, (3.0, np.inf)))) == 30
    with pytest.raises(InputError, match=r"a\.mp4: no frame can be read between 5 and 6 s; the video lasts 4\.0 s"):
        list(read_span(video, None, (5.0, 6.0)))


@pytest.mark.parametrize(
    ("frames_per_key", "fewest", "most"),
    [(6, 48, 60), (60, 40, 80), (10_000, 60, 120)],
    ids=["key frames alone", "after key frames", "read once"],
)
def test_spread_frames_cover_the_video_evenly(tmp_path, frames_per_key, fewest, most):
    video = write(tmp_path / "a.mp4", 20, frames_per_key)
    got = spread_frames(video, ALL, 60, WHOLE)
    assert fewest <= len(got) <= most
    assert (np.diff(times(got)) > 0).all()
    thirds = np.histogram(times(got), [0, 20 / 3, 40 / 3, 20.0])[0]
    assert thirds.min() >= 0.7 * thirds.max()
    level = np.median([frame.grey.mean() for frame in got])
    assert level == pytest.approx(np.median([frame.grey.mean() for frame in read_frames(video)]), abs=12)


def test_spread_frames_stay_within_their_span(tmp_path):
    video = write(tmp_path / "a.mp4", 20, 15)
    seconds = times(spread_frames(video, ALL, 60, (5.0, 15.0)))
    assert len(seconds) >= 19 and seconds.min() >= 5.0 and seconds.max() <= 15.0
