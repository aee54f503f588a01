"""The comparison: its step plan, what it keeps and makes again, its table, and errors in one sentence."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml
from model_cases import RUNTIME, model_params, played_clip, train_params, write_clips
from paths import ROOT

from tivit.__main__ import main
from tivit.compare import plan, run
from tivit.compare.plan import Pace, measure_paces, parse_methods, parse_minutes, parse_steps, steps_in
from tivit.compare.record import Record
from tivit.compare.run import Request, compare
from tivit.compare.table import Outcome, header_lines, line_of, markdown
from tivit.core.errors import InputError

OUT = Path("out")
EQUAL = (
    "compare.json",
    "key_vivit/best.pt",
    "key_vivit/trained.json",
    "key_vivit/thresholds.json",
    "difference/logits/test.npz",
)
BLOCK = {"onset_f1_50": 0.5, "note_f1": 0.4, "frame_f1": 0.3}
OUTCOME = Outcome(
    "vivit", 1200, 1000, 382576,
    {"all": {**BLOCK, **{f"pooled_{name}": 0.25 for name in BLOCK}}, "hard": {**BLOCK, "note_f1": 0.125}}, 366.0, 8.5,
)  # fmt: skip


@pytest.fixture
def params(tmp_path, monkeypatch):
    """Return the params of tiny networks; strips and manifest of three clips lie in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIVIT_STATE_DIR", raising=False)
    write_clips([played_clip("train/a"), played_clip("val/a", 26, 1), played_clip("test/a", 33, 2)])
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    own = {"model": asdict(model_params()), "train": asdict(train_params()), "runtime": asdict(RUNTIME)}
    return {**values, **own}


def request(*methods, minutes=1.0, out=OUT, **steps):
    return Request(methods, minutes, steps, out)


def no_training(monkeypatch):
    monkeypatch.setattr("tivit.training.loop.Trainer.train_step", lambda self: pytest.fail("trained again"))


def test_steps_fill_the_minutes_with_their_share_of_validation():
    assert steps_in(1.0, Pace(0.5, 0.0), 100) == 120
    assert steps_in(1.0, Pace(0.5, 10.0), 100) == 100
    assert steps_in(0.001, Pace(0.5, 10.0), 100) == 1


def test_the_pace_is_the_median_of_steps_after_the_warm_up_and_methods_take_turns(monkeypatch):
    clock, turns = [0.0], []

    class Paced:
        def __init__(self, name, step_s):
            self.name, self.step_s, self.steps = name, step_s, 0

        def train_step(self):
            self.steps += 1
            turns.append(self.name)
            clock[0] += 100.0 if self.steps <= plan.WARM_UP_STEPS or self.steps == 9 else self.step_s

        def validate(self):
            clock[0] += 3.0

    monkeypatch.setattr(plan.time, "perf_counter", lambda: clock[0])
    paces = measure_paces({"a": Paced("a", 0.25), "b": Paced("b", 0.5)})
    assert paces == {"a": Pace(0.25, 3.0), "b": Pace(0.5, 3.0)}
    assert turns[:4] == ["a", "b", "a", "b"]


def test_a_comparison_scores_every_method_and_writes_its_files(params, capsys):
    outcomes = compare(params, request("key_vivit", "difference", key_vivit=4))
    assert [(o.method, o.steps) for o in outcomes] == [("key_vivit", 4), ("difference", 0)]
    assert outcomes[0].parameters > 0 and outcomes[0].training_s > 0 and outcomes[1].training_s == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("key_vivit", "difference"))] == ["key_vivit", "difference"]
    kept = json.loads((OUT / "compare.json").read_text())
    assert kept["seed"] == 3 and set(kept["methods"]) == {"key_vivit", "difference"}
    assert {"all", "plain", "steps", "best_step", "parameters"} == set(kept["methods"]["difference"])
    assert "hand_acc" not in kept["methods"]["difference"]["all"]
    assert set(json.loads((OUT / "times.json").read_text())) == {"key_vivit", "difference"}
    assert "--steps key_vivit=4`" in (OUT / "compare.md").read_text()
    assert not list(Path(".tivit/state").rglob("last.pt"))


def test_fixed_steps_give_the_same_bytes_in_another_folder(params):
    for out in ("one", "two"):
        compare(params, request("key_vivit", "difference", out=Path(out), key_vivit=4))
    for name in EQUAL:
        assert (Path("one") / name).read_bytes() == (Path("two") / name).read_bytes(), name


def test_finished_methods_are_kept_and_the_plan_too(params, monkeypatch):
    monkeypatch.setattr(run, "measure_paces", lambda trainers: dict.fromkeys(trainers, Pace(20.0, 0.0)))
    first = compare(params, request("key_vivit"))
    assert first[0].steps == 3
    monkeypatch.setattr(run, "measure_paces", lambda trainers: pytest.fail("measured again") if trainers else {})
    no_training(monkeypatch)
    assert compare(params, request("key_vivit", "difference"))[0] == first[0]
    params["sweep"]["remove_lag"] = False
    assert compare(params, request("key_vivit"))[0].steps == 3


def test_other_params_train_again_and_only_where_they_matter(params, monkeypatch):
    compare(params, request("key_vivit", key_vivit=2))
    params["model"]["vivit"]["time_layers"] = 2
    with monkeypatch.context() as patch:
        no_training(patch)
        compare(params, request("key_vivit", key_vivit=2))
    params["train"]["learning_rate"] = 0.02
    no_training(monkeypatch)
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        compare(params, request("key_vivit", key_vivit=2))


@pytest.mark.parametrize(("name", "value"), [("threads", 2), ("compile", True)])
def test_another_way_of_computing_trains_again(params, monkeypatch, name, value):
    compare(params, request("key_vivit", key_vivit=2))
    params["runtime"][name] = value
    no_training(monkeypatch)
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        compare(params, request("key_vivit", key_vivit=2))


def test_an_interrupted_training_goes_on_and_its_minutes_add_up(params, monkeypatch):
    from tivit.training.loop import Trainer

    step = Trainer.train_step

    def stopped(self):
        if self.step == 4:
            raise KeyboardInterrupt
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", stopped)
        with pytest.raises(KeyboardInterrupt):
            compare(params, request("key_vivit", key_vivit=6))
    before_s = json.loads((OUT / "key_vivit/clock.json").read_text())["training_s"]
    steps = []
    monkeypatch.setattr(Trainer, "train_step", lambda self: steps.append(self.step) or step(self))
    (outcome,) = compare(params, request("key_vivit", key_vivit=6))
    assert steps == [4, 5] and outcome.training_s > before_s > 0


def test_a_damaged_record_is_reported_and_made_again(params, caplog):
    compare(params, request("difference"))
    before = (OUT / "difference/scored.json").read_bytes()
    (OUT / "difference/scored.json").write_text("{")
    compare(params, request("difference"))
    assert "it is made again" in caplog.text
    after = (OUT / "difference/scored.json").read_bytes()
    assert json.loads(before)["blocks"] == json.loads(after)["blocks"]


def test_a_record_of_another_run_is_none(tmp_path):
    record = Record(tmp_path / "a.json")
    assert record.read("x") is None
    assert record.write("x", steps=3) == {"fingerprint": "x", "steps": 3}
    assert record.read("x")["steps"] == 3 and record.read("y") is None


def test_the_line_of_a_method_stands_under_its_header():
    top, names = header_lines(["hard"])
    line = line_of(OUTCOME, ["hard"])
    assert len(top) == len(names) == len(line) <= 128
    assert names.split() == ["method", "steps", "parameters", *["all", "hard", "pooled"] * 3, "minutes", "x", "real"]
    assert line.split()[:6] == ["vivit", "1200", "382576", "0.500", "0.500", "0.250"]
    assert line.split()[6:] == ["0.400", "0.125", "0.250", "0.300", "0.300", "0.250", "6.1", "8.5"]


def test_the_markdown_table_holds_scores_and_times_apart():
    text = markdown([OUTCOME, replace(OUTCOME, method="difference", steps=0, parameters=0)], ["hard"], 16, 1135)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[2].startswith("| vivit | 1200 | 382,576 | 0.500 | 0.500 | 0.250 |") and rows[2].count("|") == rows[0].count("|")
    assert rows[-2] == "| vivit | 6.1 | 8.5 |"
    assert "`tivit compare --methods vivit,difference --steps vivit=1200`" in text
    assert text.startswith("Test split: 16 clips, 1,135 notes.")


def test_lists_are_read():
    assert parse_methods("vivit, difference") == ("vivit", "difference")
    assert parse_steps("vivit=20, key_vivit=3", ("vivit", "key_vivit")) == {"vivit": 20, "key_vivit": 3}
    assert parse_steps("", ("vivit",)) == {}
    assert parse_minutes("0.5") == 0.5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--methods", "vivit,cnn"], "--methods: 'cnn' is not one of cnn_gru, difference, key_vivit, vivit (did"),
        (["--methods", "vivit,vivit"], "--methods: 'vivit,vivit' names a method twice"),
        (["--steps", "vivit"], "--steps: 'vivit' is not METHOD=STEPS"),
        (["--steps", "vivit=0"], "--steps: 'vivit=0' is not METHOD=STEPS"),
        (["--steps", "difference=5"], "--steps: 'difference' is not one of cnn_gru, key_vivit, vivit"),
        (["--methods", "vivit", "--steps", "key_vivit=5"], "--steps: 'key_vivit' is not one of vivit"),
        (["--minutes", "0"], "--minutes: '0' is not a training time"),
        (["--minutes", "nan"], "--minutes: 'nan' is not a training time"),
        ([], "data/strips/strips.json: no such file"),
    ],
)  # fmt: skip
def test_bad_values_are_one_sentence(tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "--params", str(ROOT / "params.yaml"), *arguments]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"error: {sentence}") and errors.count("\n") == 1


def test_a_split_without_clips_is_named(params):
    clips = Path("data/manifest/clips.csv")
    clips.write_text(clips.read_text().replace("test/a,test", "test/a,val"))
    with pytest.raises(InputError, match="no clips in split 'test'"):
        compare(params, request("difference"))


def test_the_command_passes_what_was_asked(params, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(run, "compare", lambda values, asked: seen.append(asked))
    arguments = ["--minutes", "2", "--methods", "vivit,difference", "--steps", "vivit=7", "--out", "here"]
    assert main(["compare", "--params", str(ROOT / "params.yaml"), *arguments]) == 0
    assert seen == [Request(("vivit", "difference"), 2.0, {"vivit": 7}, Path("here"))]
    assert capsys.readouterr().out == "table: here/compare.md\n"
