"""Operating points: what turns probabilities into notes, chosen once on validation, and the file that carries them.

`metrics/thresholds.json` is written by the sweep and read by everything that decodes notes. A probability is
`sigmoid(logit / temperature + bias)`; a lag is how late a head is (s) and is subtracted from its events. Thresholds, holds and
lags may differ for black keys.

Thresholds fit only logits that were made like those on which they were chosen, so the file carries that too (`chosen_under`):
the section `decode`, because a prior shifts every probability, and of `logits` the window length, on which a recurrent
network's answer depends. `evaluate` refuses other logits and `transcribe` follows the file. Nothing of `registration` is kept:
how the keyboard was found says where the keys are, not how sure the network is of them.
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
"""Format of the file; one of another format is refused, because it does not say what it was chosen under."""
DECODER_NAMES = ("peaks", "states")
SECTIONS = ("decode", "logits")
"""The params sections that say what made logits; they are null in the file where the maker of the logits did not say."""


@dataclass(frozen=True)
class KeyValues:
    """What one head may have for black keys alone.

    Attributes
    ----------
    threshold : float
        Probability that opens an event, 0..1.
    hold : float
        Probability that keeps it going, 0..1.
    lag_s : float
        How late the head is (s, -1..1).
    """

    threshold: float
    hold: float
    lag_s: float

    def __post_init__(self) -> None:
        check_range("threshold", self.threshold, 0.0, 1.0)
        check_range("hold", self.hold, 0.0, 1.0)
        check_range("lag_s", self.lag_s, -1.0, 1.0)


@dataclass(frozen=True)
class HeadThreshold(KeyValues):
    """The operating point of one event head.

    Attributes
    ----------
    threshold, hold, lag_s : float
        As in `KeyValues`, for all keys, or for white keys where `black` is given.
    temperature, bias : float
        Its calibration, 0.001..1000 and -100..100: a probability is `sigmoid(logit / temperature + bias)`.
    black : KeyValues or None
        The values of black keys; None where they are the same.
    """

    temperature: float
    bias: float
    black: KeyValues | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("temperature", self.temperature, 1e-3, 1e3)
        check_range("bias", self.bias, -100.0, 100.0)

    def of_keys(self, name: str) -> float | np.ndarray:
        """Return one value of the operating point for all keys.

        Parameters
        ----------
        name : str
            threshold, hold or lag_s.

        Returns
        -------
        float or ndarray of float, shape (88,)
            One number for all keys, or one per key where black keys have their own.
        """
        if self.black is None:
            return getattr(self, name)
        return np.where(IS_BLACK, getattr(self.black, name), getattr(self, name))


@dataclass(frozen=True)
class EventRules:
    """How notes are made whatever the thresholds are. Every number is in 0..1.

    Attributes
    ----------
    decoder : str
        "peaks" (every onset peak above the thresholds begins a note) or "states" (the likeliest sequence of states of each
        key).
    median_s : float
        Width of a median filter over the pitch head (s); 0: none.
    hold_weight : float
        What a frame of the pitch head counts for beside an onset or offset (`states` only).
    min_length_s : float
        No note is shorter (s, 0.001 or more); a shorter one is lengthened, not dropped.
    min_repeat_s : float
        Of two onset peaks of one key that are nearer than this (s) the higher one stays.
    bridge_s : float
        A dip of the pitch head that is not longer than this (s) does not end a note (`peaks` only).
    support_s : float
        The pitch head must answer within this time after an onset (s).
    snap_s : float
        An offset peak up to this late (s) after the pitch head fell still counts (`peaks` only).
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
    """Everything that `decode_notes` needs, with the split and the metric by which it was chosen.

    Attributes
    ----------
    onset : HeadThreshold
        A peak above `threshold` begins a note; `hold` is not used.
    pitch : HeadThreshold
        `threshold` must be reached soon after the onset, and the note lasts while the head stays above `hold`.
    offset : HeadThreshold
        A peak above `threshold` ends the note, and 1.0 leaves the offset head out; `hold` is not used.
    rules : EventRules
        The decoder, and what holds whatever the thresholds are.
    split, metric : str
        The split on which they were chosen, and the metric by which.
    chosen_under : mapping
        What made the logits, section -> key -> value; without `decode` they were not rescored.
    label_lag_s : float
        How much of the lags is the labels' own (s, -2..2): lags were measured against published labels, and corrected ones are
        later by this.
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
    """Write thresholds as JSON with stable bytes.

    Parameters
    ----------
    path : path-like
        The file to write.
    thresholds : Thresholds
        The operating point; numbers are rounded to six decimals.
    """
    chosen_under = {name: thresholds.chosen_under.get(name) for name in SECTIONS}
    write_json(path, {"format": FORMAT, **asdict(thresholds), "chosen_under": chosen_under}, decimals=6)


def read_thresholds(path: Path | str) -> Thresholds:
    """Return the thresholds in a file.

    Parameters
    ----------
    path : path-like
        A file written by `write_thresholds`.

    Returns
    -------
    Thresholds
        The operating point.

    Raises
    ------
    InputError
        The file is missing, is of another format, or a field is missing or out of range.
    """
    value = read_json(path)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise InputError(
            f"{path}: not a thresholds file of format {FORMAT}, which says what the thresholds were chosen under; choose them "
            "anew (`dvc repro sweep`, or `tivit sweep`)"
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
    """Raise InputError when logits were made under other settings than those on which thresholds were chosen.

    Parameters
    ----------
    logits, thresholds : path-like
        The two files, for the message.
    made_under : mapping
        The settings of the logits, section -> key -> value.
    chosen_under : mapping
        The settings of the thresholds, in the same form.

    Raises
    ------
    InputError
        They differ in a section of `SECTIONS`; the message names the first value that does, and what to run.
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
