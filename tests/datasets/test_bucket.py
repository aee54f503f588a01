"""A dataset in a bucket: the same clips and notes as in a folder, only what is asked for is fetched, every fault is said."""

import pickle
import shutil
from pathlib import Path

import pytest
import yaml
from datasets_cases import NAMES, lay, opened, params
from paths import PARAMS_FILE
from s3_server import s3_server

from tivit.__main__ import main
from tivit.core.errors import InputError
from tivit.core.params import load
from tivit.datasets.bucket import Bucket
from tivit.datasets.index import index_path
from tivit.datasets.roots import place_of

FETCHED = Path(".tivit/fetched")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Make an empty folder the working directory, with nothing that names other places."""
    monkeypatch.chdir(tmp_path)
    for variable in ("TIVIT_DATA_DIR", "DATASETS_HOME", "TIVIT_STATE_DIR"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def moved_away(here: Path, fixture: str) -> str:
    """Lay a fixture, move it to where no folder is looked for, and return its address."""
    place = here / "far away"
    shutil.move(lay(here, fixture), place)
    return f"file://{place}"


def what_is_read(dataset) -> list[tuple]:
    result = []
    for clip in dataset.clips():
        with dataset.video(clip).opened() as video:
            notes, corners = dataset.notes(clip), dataset.corners(clip)
            result.append((clip, video.read_bytes(), notes.midi.tolist(), notes.onset_s.tolist(), repr(corners)))
    return result


@pytest.mark.parametrize("fixture", NAMES)
def test_every_layout_reads_the_same_from_a_bucket(here, fixture):
    lay(here, fixture)
    expected = what_is_read(opened(fixture))
    address = moved_away(here, fixture)
    assert what_is_read(opened(fixture, root=address)) == expected and expected
    with pytest.raises(InputError, match="set data.root"):
        what_is_read(opened(fixture))


def test_only_what_is_asked_for_is_fetched_and_it_can_be_sent(here):
    dataset = opened("OMAPS", root=moved_away(here, "OMAPS"))
    clip = dataset.clips()[0]
    sent = pickle.loads(pickle.dumps(dataset.video(clip)))
    assert not FETCHED.exists()
    with sent.opened() as video:
        assert video.name == Path(clip.video).name and video.is_absolute()
        assert [path.name for path in FETCHED.glob("*/*")] == [video.name]
    assert dataset.file("registration.csv") is None


def test_what_a_bucket_lacks_or_has_otherwise_is_said(here):
    address = moved_away(here, "OMAPS")
    first, second, third = (clip.video for clip in opened("OMAPS", root=address).clips()[:3])
    place = here / "far away"
    (place / first).unlink()
    (place / second).write_bytes(b"longer than it was, or shorter")
    (place / third).write_bytes((place / third).read_bytes()[::-1])
    dataset = opened("OMAPS", root=address)
    clips = {clip.video: clip for clip in dataset.clips()}
    with pytest.raises(InputError, match=rf"{address}/{first}: is in the index of OMAPS but not in the bucket"):
        dataset.video(clips[first])
    with pytest.raises(InputError, match=rf"{address}/{second}: has 30 bytes, the index of OMAPS says"):
        dataset.video(clips[second])
    with pytest.raises(
        InputError, match=rf"{address}/{third}: has other content than when it was indexed; `tivit index` writes"
    ):
        dataset.video_path(clips[third])
    assert not list(FETCHED.glob("*/*"))
    shutil.rmtree(place)
    with pytest.raises(InputError, match="cannot be read .*see data.root"):
        Bucket(address, 1.0).file(first, 3, "0" * 32).path()


@pytest.mark.parametrize(
    "root",
    ["http://host/folder", "s3:/bucket", "s3://", "simplecache::s3://bucket/x", "file://x::s3://y", "memory://x", "zip://x"],
)
def test_other_addresses_are_refused(root):
    with pytest.raises(InputError, match="data.root: .*"):
        place_of("OMAPS", root, 1.0)


@pytest.mark.parametrize("name", ["../secret.mp4", "/etc/passwd", "a/../../b"])
def test_an_index_cannot_lead_out_of_a_bucket(here, name):
    bucket = Bucket(f"file://{here}", 1.0)
    for look in (bucket.size, bucket.where, bucket.md5, lambda name: bucket.file(name, 1, "0" * 32)):
        with pytest.raises(InputError, match="leads out of"):
            look(name)


@pytest.mark.parametrize("md5", ["", "../../x", "0" * 31, "G" * 32, "0" * 32 + "/x"])
def test_an_md5_of_an_index_is_no_path(here, md5):
    with pytest.raises(InputError, match="not 32 hexadecimal digits"):
        Bucket(f"file://{here}", 1.0).file("a.mp4", 1, md5)


def index_of(address: str, *options: str) -> int:
    values = load(PARAMS_FILE)
    Path("params.yaml").write_text(yaml.safe_dump(values | {"data": values["data"] | {"name": "OMAPS", "root": address}}))
    return main(["index", "OMAPS", *options])


def test_a_bucket_is_indexed_as_a_folder_is(here, capsys):
    address = moved_away(here, "OMAPS")
    expected = index_path("OMAPS").read_bytes()
    index_path("OMAPS").unlink()
    for options in ([], ["--quick"], ["--check"], ["--check", "--full"]):
        assert index_of(address, *options) == 0
        assert index_path("OMAPS").read_bytes() == expected
    assert not FETCHED.exists(), "the index reads files as streams"
    (here / "far away/train/001.txt").write_text("0.5\t1.0\t60\n")
    assert index_of(address, "--check") == 1 and "train/001.txt: has 11 bytes" in capsys.readouterr().out
    assert index_of(address) == 0 and index_path("OMAPS").read_bytes() != expected


@pytest.fixture
def s3(monkeypatch):
    """Yield the client of a server that holds the bucket `videos`."""
    with s3_server(monkeypatch, "videos") as endpoint:
        import boto3

        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        yield boto3.client("s3", endpoint_url=endpoint)


def test_a_dataset_on_s3(here, s3):
    root = lay(here, "PianoVAM")
    expected = what_is_read(opened("PianoVAM"))
    for path in root.rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), "videos", f"lab/{path.relative_to(root)}")
    shutil.rmtree(root)
    dataset = opened("PianoVAM", root="s3://videos/lab/")
    assert what_is_read(dataset) == expected
    assert len(dataset.place.listed()) == len(dataset.index.files)
    s3.delete_object(Bucket="videos", Key=f"lab/{expected[0][0].video}")
    with pytest.raises(InputError, match="s3://videos/lab/Video/.*mp4: is in the index of PianoVAM but not in the bucket"):
        opened("PianoVAM", root="s3://videos/lab").video(expected[0][0])
    with pytest.raises(InputError, match="s3://nothing/here: cannot be read .*bucket does not exist.*who may read it"):
        opened("PianoVAM", root="s3://nothing/here").clips()


def test_a_server_that_is_not_there(here, s3, monkeypatch):
    lay(here, "OMAPS")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    dataset = opened("OMAPS", root="s3://unknown-bucket/lab")
    with pytest.raises(InputError, match="s3://unknown-bucket/lab: cannot be read"):
        dataset.video(dataset.clips()[0])


def test_data_params_name_the_bound():
    assert params("OMAPS", fetched_gb=0.5).fetched_gb == 0.5
    with pytest.raises(InputError, match="data.fetched_gb"):
        params("OMAPS", fetched_gb=0.0)
