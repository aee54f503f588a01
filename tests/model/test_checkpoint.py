"""Checkpoints: round trip, stable bytes, and one clear sentence for every file that is not one."""

import pickle
import zipfile
from dataclasses import asdict

import pytest
import torch
from model_cases import GEOMETRY, model_params, noisy_inputs

from tivit.core.errors import InputError
from tivit.core.heads import head_names
from tivit.model.build import build_model
from tivit.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from tivit.model.params import BACKENDS

SIZES = {name: value for name, value in asdict(model_params().of_backend()).items() if value is not None}


def checkpoint(seed=0, **changes):
    torch.manual_seed(seed)
    params = model_params(**changes)
    return Checkpoint(build_model(params, GEOMETRY).eval(), params, GEOMETRY, 30.0, 7, 123)


def test_round_trip(tmp_path):
    saved = checkpoint()
    save_checkpoint(tmp_path / "best.pt", saved)
    loaded = load_checkpoint(tmp_path / "best.pt")
    assert (loaded.params, loaded.geometry) == (saved.params.of_backend(), saved.geometry)
    assert (loaded.fps, loaded.seed, loaded.step) == (30.0, 7, 123)
    assert not loaded.model.training
    assert torch.equal(loaded.model(noisy_inputs())["pitch"], saved.model(noisy_inputs())["pitch"])


def test_the_file_says_which_heads_it_has(tmp_path):
    for has_velocity in (True, False):
        save_checkpoint(tmp_path / "best.pt", checkpoint(velocity=has_velocity))
        assert torch.load(tmp_path / "best.pt", weights_only=True)["heads"] == list(head_names(has_velocity))
        assert load_checkpoint(tmp_path / "best.pt").model.head_names == head_names(has_velocity)


def test_the_file_holds_the_sizes_of_its_own_backend_alone(tmp_path):
    for backend in BACKENDS:
        save_checkpoint(tmp_path / "best.pt", checkpoint(backend=backend))
        model = torch.load(tmp_path / "best.pt", weights_only=True)["model"]
        assert set(model) & set(BACKENDS) == {backend}
        assert load_checkpoint(tmp_path / "best.pt").params == model_params(backend).of_backend()


def test_a_file_of_the_version_before_gives_the_same_network(tmp_path):
    saved = checkpoint()
    save_checkpoint(tmp_path / "new.pt", saved)
    content = torch.load(tmp_path / "new.pt", weights_only=True)
    torch.save({**content, "version": 3, "model": asdict(saved.params)}, tmp_path / "old.pt")
    old, new = (load_checkpoint(tmp_path / name) for name in ("old.pt", "new.pt"))
    assert old.params == new.params
    assert torch.equal(old.model(noisy_inputs())["onset"], new.model(noisy_inputs())["onset"])


def test_the_sizes_of_the_backend_are_needed():
    with pytest.raises(InputError, match="model.key_vivit is null"):
        model_params(key_vivit=None)


def test_equal_content_gives_equal_bytes_under_any_name(tmp_path):
    save_checkpoint(tmp_path / "a.pt", checkpoint())
    save_checkpoint(tmp_path / "other.pt", checkpoint())
    save_checkpoint(tmp_path / "third.pt", checkpoint(seed=1))
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "other.pt").read_bytes()
    assert (tmp_path / "a.pt").read_bytes() != (tmp_path / "third.pt").read_bytes()


class Dangerous:
    def __reduce__(self):
        return (print, ("code of the file ran",))


def test_a_file_with_code_is_refused_and_does_not_run(tmp_path, capsys):
    torch.save({"format": Dangerous()}, tmp_path / "bad.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Dangerous(), protocol=2))
    for name in ("bad.pt", "raw.pt"):
        with pytest.raises(InputError, match=name) as error:
            load_checkpoint(tmp_path / name)
        assert "weights_only" not in str(error.value), "the message must not advise to run the code"
    assert "code" not in capsys.readouterr().out


def test_a_file_that_unpacks_to_more_than_itself_is_refused(tmp_path):
    save_checkpoint(tmp_path / "best.pt", checkpoint())
    torch.save({**torch.load(tmp_path / "best.pt", weights_only=True), "filler": torch.zeros(1_000_000)}, tmp_path / "large.pt")
    with zipfile.ZipFile(tmp_path / "large.pt") as plain, zipfile.ZipFile(tmp_path / "bomb.pt", "w") as packed:
        packed.compression = zipfile.ZIP_DEFLATED
        for part in plain.infolist():
            packed.writestr(part.filename, plain.read(part))
    load_checkpoint(tmp_path / "large.pt")
    with pytest.raises(InputError, match=r"bomb\.pt: not a readable checkpoint \(its parts are larger than the file\)"):
        load_checkpoint(tmp_path / "bomb.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    path = tmp_path / "best.pt"
    save_checkpoint(path, checkpoint())
    content = torch.load(path, weights_only=True)
    content["weights"]["events.bias"][1] = value
    torch.save(content, path)
    with pytest.raises(InputError, match=r"best\.pt: events\.bias holds a value that is not finite"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 broken archive"])
def test_other_bytes_are_refused(tmp_path, content):
    path = tmp_path / "best.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"best\.pt"):
        load_checkpoint(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_checkpoint(tmp_path / "none.pt")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "other"}, "not a checkpoint"),
        ({"version": 99}, "version 99"),
        ({"heads": ["pitch"]}, "heads"),
        ({"weights": {}}, "damaged"),
        ({"model": {"backend": "key_vivit"}}, "damaged"),
        ({"geometry": None}, "damaged"),
        ({"geometry": {"width_px": 416, "height_px": 32, "y_front_mm": float("nan"), "y_back_mm": 158.0}}, "y_front_mm"),
        ({"geometry": {"width_px": 10**9, "height_px": 32, "y_front_mm": -22.0, "y_back_mm": 158.0}}, "width_px"),
        ({"model": SIZES | {"dim": 10**9}}, "dim"),
        ({"model": SIZES | {"dim": 1024, "attention_heads": 1}}, "values, more than the file can hold"),
        ({"seed": "x"}, "damaged"),
        ({"step": float("inf")}, "damaged"),
        ({"seed": float("nan")}, "damaged"),
        ({"fps": 10**400}, "damaged"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused(tmp_path, change, reason):
    path = tmp_path / "best.pt"
    save_checkpoint(path, checkpoint())
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    with pytest.raises(InputError, match=rf"best\.pt.*{reason}"):
        load_checkpoint(path)


def test_a_cut_file_is_refused(tmp_path):
    path = tmp_path / "best.pt"
    save_checkpoint(path, checkpoint())
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match=r"best\.pt"):
        load_checkpoint(path)
