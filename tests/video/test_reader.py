"""Video input: the file's own timestamps, grey crops, and one clear sentence for files that cannot be used."""

import gc
import re
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivit.core.errors import InputError
from tivit.core.timegrid import grid_over, nearest_frames
from tivit.video import source
from tivit.video.damage import Damage
from tivit.video.median import temporal_median
from tivit.video.picture import Region
from tivit.video.reader import VideoFrame, frames_on_grid, probe, read_frames, sample_frames

SIZE_WH = (64, 48)


def write_video(path, greys, fps=25.0):
    """Write frames of one even grey each; lossless enough to tell 8 levels apart."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, SIZE_WH)
    for grey in greys:
        picture = np.full((SIZE_WH[1], SIZE_WH[0], 3), grey, np.uint8)
        picture[:, :24] //= 2
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "clip.mp4", range(40, 240, 8))


def test_frames_come_in_order_with_their_timestamps(video):
    frames = list(read_frames(video))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(25) * 0.04, abs=1e-6)
    assert all(frame.grey.shape == (48, 64) and frame.grey.dtype == np.uint8 for frame in frames)
    assert [float(np.median(frame.grey)) for frame in frames] == pytest.approx(range(40, 240, 8), abs=5)


def test_a_region_is_the_same_picture_cropped(video):
    whole = [frame.grey for frame in read_frames(video)]
    cropped = [frame.grey for frame in read_frames(video, Region(5, 7, 30, 40))]
    assert all(np.array_equal(part, full[7:40, 5:30]) for part, full in zip(cropped, whole, strict=True))


def test_probe_says_what_the_file_declares(video):
    info = probe(video)
    assert (info.width_px, info.height_px, info.fps, info.frame_count, info.duration_s) == (64, 48, 25.0, 25, 1.0)


@given(
    st.lists(st.integers(1, 200) | st.integers(480, 900), min_size=0, max_size=40),
    st.sampled_from([10.0, 25.0, 29.97, 30.0, 60.0]),
    st.floats(0, 3),
)
def test_one_pass_resampling_is_the_rule_of_the_time_grid(steps_ms, fps, start_s):
    times_s = start_s + np.concatenate([[0], np.cumsum(steps_ms)]) / 1000
    grid = grid_over(times_s, fps)
    streamed = list(frames_on_grid((VideoFrame(float(time_s), None) for time_s in times_s), fps))
    assert [k for k, _ in streamed] == list(range(grid.length))
    assert [frame.time_s for _, frame in streamed] == times_s[nearest_frames(times_s, grid)].tolist()


def test_at_the_native_rate_frame_k_is_frame_k(video):
    frames = list(read_frames(video))
    streamed = [frame.time_s for _, frame in frames_on_grid(iter(frames), 25.0)]
    assert streamed == [frame.time_s for frame in frames]


def medians(frames):
    return [float(np.median(frame.image)) for frame in frames]


def test_samples_are_spread_and_skip_black_frames(tmp_path):
    path = write_video(tmp_path / "black.mp4", [0] * 20 + [200] * 20)
    assert len(sample_frames(path, 8)) == 4
    assert min(medians(sample_frames(path, 8))) > 150


@pytest.mark.parametrize("count", [24, 2])
def test_samples_cover_the_whole_video_and_say_when_they_are(tmp_path, count):
    greys = np.repeat([60, 90, 120, 150, 180, 210], 50)
    frames = sample_frames(write_video(tmp_path / "minutes.mp4", greys), count)
    times_s = np.array([frame.time_s for frame in frames])
    assert (
        len(frames) == count and times_s[0] == pytest.approx(0.12, abs=0.01) and times_s[-1] == pytest.approx(11.88, abs=0.01)
    )
    assert medians(frames) == pytest.approx(greys[np.round(times_s * 25).astype(int)], abs=6)


@pytest.mark.parametrize(("between_s", "count", "numbers"), [
    ((0.1, 0.3), 16, [3, 4, 5, 6, 7]),
    ((0.08, 0.2), 16, [3, 4]),
    ((0.08, 0.12), 4, []),
    ((-1.0, 0.1), 40, [0, 1, 2]),
    ((0.9, 3.0), 60, [23, 24]),
    ((0.2, 0.8), 1, [13]),
])  # fmt: skip
def test_samples_between_two_instants(video, between_s, count, numbers):
    frames = sample_frames(video, count, between_s)
    assert [frame.time_s for frame in frames] == pytest.approx(np.array(numbers) / 25, abs=1e-6)
    assert medians(frames) == pytest.approx([40 + 8 * number for number in numbers], abs=5)


def test_few_samples_of_a_long_span_lie_in_it(tmp_path):
    path = write_video(tmp_path / "long.mp4", np.repeat([60, 120, 180], 100))
    frames = sample_frames(path, 2, (1.0, 11.5))
    assert [frame.time_s for frame in frames] == pytest.approx([4.5, 8.0], abs=0.05)
    assert medians(frames) == pytest.approx([120, 180], abs=6)


def test_regions_are_joined():
    assert Region(3, 8, 20, 30).joined(Region(5, 2, 25, 10)) == Region(3, 2, 25, 30)


def test_a_wholly_black_video_still_gives_frames(tmp_path):
    assert len(sample_frames(write_video(tmp_path / "black.mp4", [0] * 12), 4)) == 4


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.mp4: no such video file"):
        list(read_frames(tmp_path / "nothing.mp4"))


@pytest.mark.parametrize("content", [b"", b"this is text, not a video" * 100])
def test_not_a_video(tmp_path, content):
    path = tmp_path / "text.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"text\.mp4: cannot be opened as a video"):
        list(read_frames(path))


def test_a_file_cut_before_its_table_of_contents(tmp_path, video):
    path = tmp_path / "half.mp4"
    path.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with pytest.raises(InputError, match=r"half\.mp4: cannot be opened as a video"):
        list(read_frames(path))


def write_h264(path, pictures, fps=25, turned=0, pix_fmt="yuv420p", **options):
    """Write frames, uint8 BGR, as H.264 with the table of contents in front."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000), options={"crf": "4", **options})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if turned:
            stream.set_display_rotation(turned)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def noise(count, height=48, width=64):
    return list(np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8))


def cut(path, share):
    """Keep this share of the pictures of a file, and its table of contents."""
    content = path.read_bytes()
    start = content.index(b"mdat")
    path.write_bytes(content[: start + 8 + int(share * (len(content) - start))])


@pytest.mark.parametrize("read", [lambda path: list(read_frames(path)), lambda path: sample_frames(path, 16)])
def test_a_video_that_ends_early_is_called_truncated(tmp_path, read):
    path = write_h264(tmp_path / "early.mp4", noise(300), fps=30)
    cut(path, 0.3)
    with pytest.raises(InputError, match=r"early\.mp4: .*10\.0 s.*truncated or damaged"):
        read(path)


@pytest.mark.parametrize("read", [lambda path: list(read_frames(path)), lambda path: sample_frames(path, 16)])
def test_a_video_without_frames(tmp_path, read):
    path = write_h264(tmp_path / "empty.mp4", noise(3))
    cut(path, 0.0)
    with pytest.raises(InputError, match=r"empty\.mp4: no frame can be read"):
        read(path)


@pytest.mark.parametrize("fps", [0.5, 4.0, 2000.0])
def test_an_absurd_frame_rate(tmp_path, fps):
    path = write_h264(tmp_path / "fast.mp4", noise(12), fps=fps)
    with pytest.raises(InputError, match=rf"fast\.mp4: declares {fps:g} frames a second, allowed are 5\.\.1000"):
        probe(path)


def test_a_playlist_that_names_another_file_is_not_opened(tmp_path, video):
    path = tmp_path / "list.mp4"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n{video}\n#EXT-X-ENDLIST\n")
    with pytest.raises(InputError, match=r"list\.mp4: cannot be opened as a video"):
        probe(path)


@pytest.mark.parametrize(("turned", "corner"), [(90, (-1, 0)), (180, (-1, -1)), (-90, (0, -1))])
def test_pictures_are_turned_upright(tmp_path, turned, corner):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = 255
    path = write_h264(tmp_path / "turned.mp4", [picture] * 8, turned=turned)
    shape = (48, 64) if turned == 180 else (64, 48)
    frames = list(read_frames(path))
    assert {frame.grey.shape for frame in frames} == {shape} and (probe(path).height_px, probe(path).width_px) == shape
    samples = sample_frames(path, 2)
    assert all(image[corner].min() > 240 and np.median(image) < 16 for image in [frames[0].grey, samples[0].image])


@pytest.mark.parametrize("turned", [0, 90])
def test_frames_that_were_read_do_not_stay_in_memory(tmp_path, turned):
    """A frame whose side data were looked at holds itself, until Python looks for such objects."""
    path = write_h264(tmp_path / "many.mp4", [np.zeros((48, 64, 3), np.uint8)] * 60, turned=turned)
    gc.collect()
    gc.disable()
    try:
        frames = [frame.grey for frame in read_frames(path)]
        left = sum(type(item) is av.VideoFrame for item in gc.get_objects())
    finally:
        gc.enable()
    assert len(frames) == 60 and left <= 2


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le"])
def test_grey_is_black_at_0_and_white_at_255_in_every_pixel_format(tmp_path, pix_fmt):
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 48, axis=0).repeat(3, axis=2)
    path = write_h264(tmp_path / "ramp.mp4", [ramp] * 4, pix_fmt=pix_fmt)
    grey = next(read_frames(path)).grey
    assert np.abs(grey.astype(int) - ramp[..., 0]).max() <= 4
    assert np.abs(grey.astype(int) - cv2.cvtColor(sample_frames(path, 1)[0].image, cv2.COLOR_BGR2GRAY)).max() <= 4


def test_samples_of_a_long_file_pass_over_frames_nothing_refers_to(tmp_path):
    pictures = [np.full((48, 64, 3), 40 + number % 160, np.uint8) for number in range(200)]
    path = write_h264(tmp_path / "long.mp4", pictures, bf="2")
    frames = sample_frames(path, 8)
    numbers = np.array([frame.time_s for frame in frames]) * 25
    assert len(frames) == 8 and np.all(np.abs(numbers - np.linspace(2, 198, 8)) < 4)
    assert medians(frames) == pytest.approx(40 + np.round(numbers) % 160, abs=6)


@given(st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_temporal_median_is_the_upper_median(count, seed):
    frames = np.random.default_rng(seed).integers(0, 256, (count, 3, 4), dtype=np.uint8)
    assert np.array_equal(temporal_median(list(frames)), np.sort(frames, axis=0)[count // 2])


def overwritten(tmp_path, share, name="damaged.mp4"):
    """Return a film of 300 frames (10 s) in the middle of which this share of the bytes is overwritten."""
    picture = cv2.GaussianBlur(np.concatenate(noise(3, 96, 128), axis=1), (0, 0), 3)
    pictures = [np.ascontiguousarray(picture[:, number : number + 84]) for number in range(300)]
    path = write_h264(tmp_path / name, pictures, fps=30, g="60", crf="20")
    content = bytearray(path.read_bytes())
    first = content.index(b"mdat") + 8
    middle, count = first + (len(content) - first) // 2, int(share * (len(content) - first))
    content[middle : middle + count] = np.random.default_rng(1).integers(0, 256, count, dtype=np.uint8).tobytes()
    path.write_bytes(content)
    return path


def test_a_whole_video_is_read_without_a_word(tmp_path, caplog):
    assert len(list(read_frames(overwritten(tmp_path, 0.0)))) == 300 and caplog.text == ""


def test_a_few_damaged_frames_are_counted_and_warned_about(tmp_path, caplog):
    frames = list(read_frames(overwritten(tmp_path, 0.02)))
    [record] = caplog.records
    said = re.search(
        r"damaged\.mp4: damaged frames: (\d+) of 300 \((\d+) cannot be decoded.*\), at ([\d.]+) to ([\d.]+) s;", caplog.text
    )
    assert record.levelname == "WARNING" and said is not None, caplog.text
    damaged, lost = int(said[1]), int(said[2])
    assert 1 <= lost <= damaged <= 15 and len(frames) == 300 - lost
    assert 3.0 < float(said[3]) <= float(said[4]) < 7.0


def test_a_video_with_a_tenth_of_its_bytes_overwritten_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"damaged\.mp4: damaged frames: \d+ of \d+ .* s; at most 5 % may be; .*leave the clip out"
    ):
        list(read_frames(overwritten(tmp_path, 0.1)))


class Timeless:
    """A frame of which the file does not say when it is shown."""

    pts = None
    is_corrupt = interlaced_frame = False


@pytest.mark.parametrize(("count", "is_refused"), [(1, False), (2, True)])
def test_frames_without_a_timestamp_are_counted(video, monkeypatch, caplog, count, is_refused):
    """Of 25 frames, one more or two more have no timestamp: 1 in 26 is warned about, 2 in 27 are too many."""
    decode, left = av.Packet.decode, [count]

    class Packet:
        def __init__(self, packet):
            self.packet, self.pts, self.dts, self.is_corrupt = packet, packet.pts, packet.dts, False

        def decode(self):
            frames = decode(self.packet)
            if frames and left[0]:
                left[0] -= 1
                return [*frames, Timeless()]
            return frames

    packets = source.Source._packets
    monkeypatch.setattr(source.Source, "_packets", lambda opened: map(Packet, packets(opened)))
    if is_refused:
        with pytest.raises(
            InputError, match=r"clip\.mp4: damaged frames: 2 of 27 \(2 without a timestamp\); at most 5 % may be"
        ):
            list(read_frames(video))
    else:
        assert len(list(read_frames(video))) == 25
        assert "clip.mp4: damaged frames: 1 of 26 (1 without a timestamp); notes there" in caplog.text


def test_a_container_that_breaks_off_is_warned_about(video, monkeypatch, caplog):
    packets = source.Source._packets

    def broken(opened):
        for number, packet in enumerate(packets(opened)):
            if number == 20:
                raise av.InvalidDataError(1, "Invalid data", "clip.mp4")
            yield packet

    monkeypatch.setattr(source.Source, "_packets", broken)
    count = len(list(read_frames(video)))
    assert 15 <= count < 25 and re.search(
        rf"clip\.mp4: cannot be read on after {count} frames \(.*\); copy the file", caplog.text
    )


def test_spans_of_damage_are_joined_and_the_first_ones_named():
    damage = Damage(read=90, lost=8, guessed=2, times_s=[9.0, 1.0, 1.5, 20.0, 30.0, 40.0, 50.0, 60.0])
    assert damage.share == pytest.approx(10 / 98) and damage.spans_s()[0] == (1.0, 1.5)
    assert damage.sentence() == (
        "damaged frames: 10 of 98 (8 cannot be decoded, 2 decoded in part), "
        "at 1.0 to 1.5 s, 9.0 s, 20.0 s, 30.0 s, 40.0 s and 2 more places"
    )
