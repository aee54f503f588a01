"""The table of decoders: every name that a thresholds file may hold has one, and its entry says what is true of it."""

from dataclasses import replace
from typing import get_args, get_type_hints

import numpy as np
import pytest
from decoding_cases import HALF, RULES, THRESHOLDS, noisy_logits, random_notes

from tivit.core.logits import ClipLogits
from tivit.core.timegrid import TimeGrid
from tivit.decoding.decoders import DECODERS, collect_events, decide
from tivit.decoding.thresholds import DECODER_NAMES, EventRules


def test_the_names_are_those_of_the_rules():
    assert tuple(DECODERS) == DECODER_NAMES == get_args(get_type_hints(EventRules)["decoder"])


@pytest.mark.parametrize("name", DECODERS)
def test_ends_have_a_say_in_the_notes_where_the_table_says_so(name):
    rng, grid = np.random.default_rng(3), TimeGrid(30.0, 0.0, 300)
    clip = ClipLogits("a", grid, noisy_logits(random_notes(rng, 10.0), grid, rng))
    base = replace(THRESHOLDS, rules=replace(RULES, decoder=name, hold_weight=0.3))
    other = replace(base, pitch=replace(HALF, hold=0.95), offset=replace(HALF, threshold=0.05))
    events = collect_events([clip], base)
    both = [decide(events, thresholds).onset_index.tolist() for thresholds in (base, other)]
    assert len(both[0]) and (both[0] == both[1]) == DECODERS[name].are_ends_apart
