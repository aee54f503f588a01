"""The plan of the autopilot: which command each round gives, and when a run stops. Nothing is run."""

from dataclasses import replace

import pytest

from tivit.autopilot.plan import Plan, Rules, Settings, read_plan, shown, write_plan
from tivit.autopilot.results import HEADER, Row, append, best_of, reason_to_stop
from tivit.autopilot.rounds import Places, dry_run
from tivit.core.errors import InputError

SETTINGS = Settings("train", "thorough", "classic", 30, "ev_f1_mean", None, None, None, ())
PLAN = Plan(2, "a" * 40, "refs/heads/main", 90, SETTINGS, Rules(None, 2, 4))


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """Work in an empty folder, in which the user has put no files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def values_of(command: list[str]) -> dict[str, str]:
    """Return the params that a command sets."""
    return dict(word.removeprefix("--set-param=").split("=", 1) for word in command if word.startswith("--set-param="))


def rows(*scores: float) -> list[Row]:
    return [
        Row(2, number, PLAN.experiment(number), "aaaaaaa", 30 * number, "thorough", score, score, score, "0" * 32)
        for number, score in enumerate(scores, start=1)
    ]


def test_rounds_add_their_burst_and_leave_the_test_split_alone():
    for number, steps in ((1, "30"), (2, "60"), (3, "90")):
        command = PLAN.command(number, "thorough")
        assert values_of(command) == {"train.steps": steps, "logits.splits": "[val]"}
        assert command[:3] == ["exp", "run", "--temp"] and command[-1] == "sweep"
        assert f"--name=autopilot2-0{number}" in command


def test_a_run_that_begins_with_calibration_trains_on_from_the_model_of_the_commit():
    plan = replace(PLAN, settings=replace(SETTINGS, first_step="calib", first_calib="fast"))
    first = values_of(plan.command(1, plan.calibration(1)))
    assert "train.steps" not in first and first["sweep.onset_thresholds"].startswith("[0.2,")
    assert values_of(plan.command(2, plan.calibration(2))) == {"train.steps": "120", "logits.splits": "[val]"}


def test_options_become_params_and_own_files_are_copied_one_by_one(own_folder):
    for name in ("data/own/README.md", "data/own/a b.mp4", "data/pretrained/README.md"):
        (own_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (own_folder / name).touch()
    settings = replace(SETTINGS, seed=7, dataset_max_clips=5, calib_max_clips=3, set_params=("train.learning_rate=0.002",))
    plan = replace(PLAN, settings=settings)
    command = plan.command(1, "thorough")
    assert values_of(command).items() >= {
        ("train.seed", "7"), ("data.clips.max_per_split", "5"), ("logits.max_clips", "3"), ("train.learning_rate", "0.002"),
    }  # fmt: skip
    assert [word for word in command if word.startswith("--copy-paths")] == ["--copy-paths=data/own/a b.mp4"]
    assert "'--copy-paths=data/own/a b.mp4'" in shown(command)
    params = {"logits": {"splits": ["val", "test"], "max_clips": None}}
    assert values_of(PLAN.test_command(params)) == {"logits.splits": "[val,test]"}
    assert values_of(plan.test_command(params)) == {"logits.splits": "[val,test]", "logits.max_clips": "null"}


def test_a_plan_is_read_back_as_it_was_written(own_folder):
    plan = replace(PLAN, settings=replace(SETTINGS, set_params=("a=1", "b=2")), applied="autopilot2-01")
    write_plan(own_folder / "plan.json", plan)
    assert read_plan(own_folder / "plan.json") == plan
    assert read_plan(own_folder / "none.json") is None
    (own_folder / "plan.json").write_text('{"run": 1}')
    with pytest.raises(InputError, match="plan.json: not the plan of an autopilot run; remove it"):
        read_plan(own_folder / "plan.json")


@pytest.mark.parametrize(
    ("scores", "rules", "reason"),
    [
        ((), Rules(0.1, 1, 1), None),
        ((0.5,), Rules(0.6, 2, 4), None),
        ((0.5, 0.61), Rules(0.6, 2, 4), "target reached: 0.6100 is at least 0.6"),
        ((0.5, 0.4), Rules(0.6, 2, 4), None),
        ((0.5, 0.4, 0.5), Rules(0.6, 2, 4), "patience: 2 rounds without a better score than 0.5000"),
        ((0.1, 0.2, 0.3, 0.4), Rules(None, 2, 4), "max rounds: 4 done"),
    ],
)
def test_a_run_stops_on_target_patience_or_rounds_and_says_which(scores, rules, reason):
    assert reason_to_stop(rows(*scores), rules) == reason


def test_the_best_round_is_the_first_of_equals():
    assert best_of(rows(0.5, 0.7, 0.7, 0.6)).round == 2


def test_rows_are_added_once_and_what_is_there_stays(own_folder):
    path = own_folder / "results.txt"
    append(path, rows(0.5))
    first = path.read_text()
    assert first.splitlines()[0] == HEADER and len(first.splitlines()) == 2
    append(path, rows(0.5))
    assert path.read_text() == first
    append(path, rows(0.5, 0.75))
    assert path.read_text().startswith(first) and path.read_text().splitlines()[2].split("\t")[8] == "0.7500"
    path.write_text("another table\n")
    with pytest.raises(InputError, match="results.txt: not a table of autopilot rounds"):
        append(path, rows(0.5))


def test_a_dry_run_says_every_command():
    said: list[str] = []
    dry_run(PLAN, [], said.append)
    assert [line.split("--name=")[1].split(" ")[0] for line in said if line.startswith("dvc exp run")] == [
        f"autopilot2-0{number}" for number in (1, 2, 3, 4)
    ]
    assert sum("# where sweep fails" in line for line in said) == 1 and said[-1].startswith("dvc exp apply BEST")
    said.clear()
    dry_run(PLAN, rows(0.5, 0.6, 0.7), said.append)
    assert sum(line.startswith("dvc exp run") for line in said) == 1


def test_everything_lies_beside_the_table(own_folder):
    places = Places(own_folder / "x/results.txt", own_folder / "x/logs", None)
    assert places.plan == own_folder / "x/plan.json" and places.summary == own_folder / "x/summary.md"
