"""Operating points: what turns probabilities into notes, chosen once on validation, and the file that carries them.

`metrics/thresholds.json` is written by the sweep and read by everything that decodes notes. A probability is
`sigmoid(logit / temperature + bias)`; a lag is how late a head is (s) and is subtracted from its events. Thresholds, holds and
lags may differ for black keys.

Thresholds fit only logits made as those were that they were chosen on, so the file carries that too (`chosen_under`): the
section `decode`, because a prior shifts every probability, and of `logits` the window length, on which a recurrent network's
answer depends. `evaluate` refuses other logits and `transcribe` follows the file. Nothing of `registration` is kept: how the
keyboard was found says where the keys are, not how sure the network is of them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tivit.core.artifacts import read_json, write_json
from tivit.core.errors import InputError
from tivit.core.heads import EVENT_HEADS
from tivit.core.keyboard import IS_BLACK
from tivit.core.logits import Settings
from tivit.core.params import check_choice, check_range

FORMAT = 3
DECODER_NAMES = ("peaks", "states")
SECTIONS = ("decode", "logits")
"""The params sections that say what made logits; null in the file where their maker did not say."""


@dataclass(frozen=True)
class KeyValues:
    """What one head may have for black keys alone: threshold, hold and lag (s), as in `HeadThreshold`."""

    threshold: float
    hold: float
    lag_s: float

    def __post_init__(self) -> None:
        check_range("threshold", self.threshold, 0.0, 1.0)
        check_range("hold", self.hold, 0.0, 1.0)
        check_range("lag_s", self.lag_s, -1.0, 1.0)


@dataclass(frozen=True)
class HeadThreshold(KeyValues):
    """One event head: the probability that opens an event, the one that keeps it going, its lag (s), its calibration.

    `black` holds the values of black keys where they differ from those of white keys, which are then those of this class.
    """

    temperature: float
    bias: float
    black: KeyValues | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("temperature", self.temperature, 1e-3, 1e3)
        check_range("bias", self.bias, -100.0, 100.0)

    def of_keys(self, name: str) -> float | np.ndarray:
        """Return value `name` (threshold, hold or lag_s): one number for all keys, or one per key, shape (88,)."""
        if self.black is None:
            return getattr(self, name)
        return np.where(IS_BLACK, getattr(self.black, name), getattr(self, name))


@dataclass(frozen=True)
class EventRules:
    """How notes are made whatever the thresholds are; times in seconds.

    decoder: `peaks` (every onset peak above the thresholds begins a note) or `states` (the likeliest sequence of states of each
    key). median_s: width of a median filter over the pitch head; 0: none. hold_weight: what a frame of the pitch head counts
    for beside an onset or offset (`states` only). min_length_s: no note is shorter (it is lengthened, not dropped).
    min_repeat_s: of two onset peaks of one key nearer than this the higher stays. bridge_s: a dip of the pitch head not longer
    than this does not end a note (`peaks` only). support_s: the pitch head must answer within this time after an onset.
    snap_s: an offset peak up to this late after the pitch head fell still counts (`peaks` only).
    """

    decoder: Literal["peaks", "states"]
    median_s: float
    hold_weight: float
    min_length_s: float
    min_repeat_s: float
    bridge_s: float
    support_s: float
    snap_s: float

    def __post_init__(self) -> None:
        check_choice("decoder", self.decoder, DECODER_NAMES)
        check_range("min_length_s", self.min_length_s, 1e-3, 1.0)
        for field in fields(self):
            if field.name != "decoder":
                check_range(field.name, getattr(self, field.name), 0.0, 1.0)


@dataclass(frozen=True)
class Thresholds:
    """Everything `decode_notes` needs, with the split and the metric it was chosen by.

    onset: a peak above `threshold` begins a note (`hold` is not used). pitch: `threshold` must be reached soon after the onset,
    and the note lasts while the head stays above `hold`. offset: a peak above `threshold` ends the note (`hold` is not used);
    1.0 leaves the offset head out.

    chosen_under: what made the logits, section -> key -> value; without `decode` they were not rescored. label_lag_s: how much
    of the lags is the labels' own (s): lags were measured against published labels, and corrected ones are later by this.
    """

    onset: HeadThreshold
    pitch: HeadThreshold
    offset: HeadThreshold
    rules: EventRules
    split: str
    metric: str
    chosen_under: Settings
    label_lag_s: float

    def __post_init__(self) -> None:
        check_range("label_lag_s", self.label_lag_s, -2.0, 2.0)


def write_thresholds(path: Path | str, thresholds: Thresholds) -> None:
    """Write thresholds as JSON, byte-stable."""
    chosen_under = {name: thresholds.chosen_under.get(name) for name in SECTIONS}
    write_json(path, {"format": FORMAT, **asdict(thresholds), "chosen_under": chosen_under}, decimals=6)


def read_thresholds(path: Path | str) -> Thresholds:
    """Return the thresholds in a file; raise InputError naming file and field when it is malformed."""
    value = read_json(path)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise InputError(
            f"{path}: not a thresholds file of format {FORMAT}, which says what the thresholds were chosen under; choose them "
            "anew (`dvc repro sweep`, or `python -m tivit sweep`)"
        )
    try:
        heads = {name: _head(value[name]) for name in EVENT_HEADS}
        rules = EventRules(decoder=value["rules"]["decoder"], **_numbers(EventRules, value["rules"], ("decoder",)))
        chosen_under = {name: dict(value["chosen_under"][name]) for name in SECTIONS if value["chosen_under"][name] is not None}
        return Thresholds(
            **heads, rules=rules, split=value["split"], metric=value["metric"], chosen_under=chosen_under,
            label_lag_s=float(value["label_lag_s"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a thresholds file ({error})") from None


def refuse_other_settings(logits: Path | str, made_under: Settings, thresholds: Path | str, chosen_under: Settings) -> None:
    """Raise InputError when logits were made under other settings than those that thresholds were chosen on.

    Parameters
    ----------
    logits, thresholds : the two files, for the sentence.
    made_under, chosen_under : their settings.
    """
    for section in SECTIONS:
        ours, theirs = made_under.get(section), chosen_under.get(section)
        if ours == theirs:
            continue
        name, values = None, (ours, theirs)
        if ours is not None and theirs is not None:
            name = next(key for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key))
            values = ours.get(name), theirs.get(name)
        made, chosen = map(json.dumps, values)
        raise InputError(
            f"{logits}: made under {section}{f'.{name}' if name else ''} = {made}, but {thresholds} was chosen under {chosen}; "
            f"run the {section} stage with that value, or the sweep stage again"
        )


def _head(value: dict[str, Any]) -> HeadThreshold:
    black = None if value["black"] is None else KeyValues(**_numbers(KeyValues, value["black"], ()))
    return HeadThreshold(**_numbers(HeadThreshold, value, ("black",)), black=black)


def _numbers(schema: type, value: dict[str, Any], others: tuple[str, ...]) -> dict[str, float]:
    return {field.name: float(value[field.name]) for field in fields(schema) if field.name not in others}
