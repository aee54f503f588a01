"""`tivit doctor` names what is there, what is missing, and no secret."""

from pathlib import Path

import torch

from tivit.commands import doctor
from tivit.commands.main import main
from tivit.core.run.guard import USER_FOLDERS
from tivit.pretrained import names


def lines(capsys):
    return {line[:18].strip(): line[19:] for line in capsys.readouterr().out.splitlines()}


def test_it_names_versions_weights_data_and_remotes(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/OMAPS").mkdir(parents=True)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text(
        "[core]\n    remote = team\n['remote \"team\"']\n    url = https://me:secret@example.org\n"
    )
    assert main(["doctor"]) == 0
    said = lines(capsys)
    assert said["torch"] == torch.__version__ and "h264" in said["video decoders"] and "MD5" in said["weights"]
    assert (said["data OMAPS"], said["data PianoYT"]) == ("data/OMAPS", "not on this disk")
    assert said["DVC remote"] == "team" and "secret" not in str(said)


def test_a_lock_file_that_a_kill_has_emptied_is_a_fault_with_its_remedy(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.lock").write_text("")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/dvc.lock").write_text("schema: '2.0'\n")
    assert main(["doctor"]) == 1
    said = lines(capsys)
    assert "git checkout dvc.lock" in said["dvc.lock"] and "data/dvc.lock" not in said


def test_a_folder_that_stages_depend_on_and_cannot_read_is_a_fault_with_its_remedy(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in USER_FOLDERS:
        Path(name).mkdir(parents=True)
    Path("data/own").rename("data/mine")
    assert main(["doctor"]) == 0  # a folder of no pipeline
    Path("dvc.yaml").write_text("stages: {}\n")
    capsys.readouterr()
    assert main(["doctor"]) == 1
    said = lines(capsys)
    assert said["data/own"].startswith("is not there, and stages depend on it; run `git checkout HEAD -- data/own`")
    assert "data/subsets" not in said and "data/pretrained" not in said
    Path("data/own").symlink_to("nowhere")
    Path("data/subsets").rmdir()
    Path("data/subsets").write_text("")
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: path != Path("data/pretrained"))
    assert main(["doctor"]) == 1
    said = lines(capsys)
    assert said["data/own"].startswith("leads nowhere") and said["data/subsets"].startswith("is no folder")
    assert said["data/pretrained"].startswith("cannot be read")


def test_missing_weights_are_a_fault(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(names, "FOLDER", tmp_path)
    monkeypatch.setattr(doctor, "PACKAGES", ("tivit", "no-such-package"))
    assert main(["doctor"]) == 1
    said = lines(capsys)
    assert said["no-such-package"] == "not installed" and "no such file" in said["weights"]
    assert said["DVC remote"] == "no DVC project in this folder"
