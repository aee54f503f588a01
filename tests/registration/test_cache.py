"""Registrations kept by content: what their name sees, and entries that are damaged."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paths import PARAMS_FILE
from registration_cases import known_registration, random_view

from tivit.core.params import load, section
from tivit.core.registration import write_registrations
from tivit.core.run.fingerprint import state_folder
from tivit.core.strip import StripGeometry
from tivit.registration import cache
from tivit.registration.params import NOTHING_KNOWN, Override, RegistrationParams

VALUES = load(PARAMS_FILE)
PARAMS, GEOMETRY = section(VALUES, "registration", RegistrationParams), section(VALUES, "strips", StripGeometry)
FOUND = known_registration(random_view(np.random.default_rng(3)), GEOMETRY)
NAME, PICTURE = "0" * 64, b"\x89PNG picture"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder; return where entries lie."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIVIT_STATE_DIR", raising=False)
    return Path(".tivit/registration")


def test_what_is_entry_comes_back(folder):
    assert cache.load(NAME) is None
    entry = cache.store(NAME, FOUND, PICTURE)
    assert cache.load(NAME) == entry and entry.overlay == PICTURE
    np.testing.assert_allclose(entry.registration.homography, FOUND.homography, atol=1e-8)
    assert sorted(path.name for path in folder.iterdir()) == [f"{NAME}.json", f"{NAME}.png"]


def test_the_name_sees_all_that_decides():
    name = cache.name_of("a", NOTHING_KNOWN, PARAMS, GEOMETRY)
    assert name == cache.name_of("a", NOTHING_KNOWN, PARAMS, GEOMETRY) and len(name) == 64
    others = [
        cache.name_of("b", NOTHING_KNOWN, PARAMS, GEOMETRY),
        cache.name_of("a", Override(first_key=21), PARAMS, GEOMETRY),
        cache.name_of("a", NOTHING_KNOWN, replace(PARAMS, min_confidence=0.6), GEOMETRY),
        cache.name_of("a", NOTHING_KNOWN, PARAMS, replace(GEOMETRY, y_back_mm=150.0)),
    ]
    assert len({name, *others}) == 5
    for same in (replace(PARAMS, first_key=40), replace(PARAMS, overrides={"train/b": Override(first_key=21)})):
        assert cache.name_of("a", NOTHING_KNOWN, same, GEOMETRY) == name


def test_the_name_sees_the_code(monkeypatch):
    name = cache.name_of("a", NOTHING_KNOWN, PARAMS, GEOMETRY)
    monkeypatch.setattr(cache, "CODE", ("registration", "core"))
    assert cache.name_of("a", NOTHING_KNOWN, PARAMS, GEOMETRY) != name


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"a": {}}', '{"a": 1, "b": 2}', "\x00\x01", "[" * 100_000], ids=range(8)
)
def test_a_damaged_registration_is_reported_and_replaced(folder, caplog, content):
    entry = cache.store(NAME, FOUND, PICTURE)
    (folder / f"{NAME}.json").write_text(content)
    with caplog.at_level(logging.WARNING):
        assert cache.load(NAME) is None
    assert f"{NAME}.json" in caplog.text and "registered again" in caplog.text
    assert cache.store(NAME, FOUND, PICTURE) == entry == cache.load(NAME)


def test_two_registrations_are_one_too_many(folder, caplog):
    cache.store(NAME, FOUND, PICTURE)
    write_registrations(folder / f"{NAME}.json", {"a": FOUND, "b": FOUND})
    assert cache.load(NAME) is None and "not exactly one" in caplog.text


def test_an_overlay_that_is_damaged_or_missing_is_not_used(folder, caplog):
    cache.store(NAME, FOUND, PICTURE)
    (folder / f"{NAME}.png").write_bytes(PICTURE[:-1])
    assert cache.load(NAME) is None and "is not the overlay it was" in caplog.text
    (folder / f"{NAME}.png").unlink()
    assert cache.load(NAME) is None


def test_the_state_folder_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("TIVIT_STATE_DIR", str(tmp_path / "elsewhere"))
    cache.store(NAME, FOUND, PICTURE)
    assert (tmp_path / f"elsewhere/registration/{NAME}.json").exists() and not Path(".tivit").exists()
    assert state_folder("state") == tmp_path / "elsewhere"
