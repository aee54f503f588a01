"""The key profiles: their values, their rotation, and that they tell the keys apart."""

import numpy as np
import pytest

from tivit.core.errors import InputError
from tivit.theory.profiles import KEY_NAMES, PROFILES, key_profiles


def test_there_are_24_keys_in_order():
    assert len(KEY_NAMES) == 24
    assert KEY_NAMES[0] == "C major"
    assert KEY_NAMES[14] == "D minor"


@pytest.mark.parametrize("name", PROFILES)
def test_every_row_is_a_distribution_with_its_tonic_among_the_two_highest(name):
    table = key_profiles(name)
    assert table.shape == (24, 12)
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    assert all(key % 12 in np.argsort(-row, kind="stable")[:2] for key, row in enumerate(table))


def test_d_minor_is_c_minor_two_semitones_up():
    table = key_profiles("krumhansl")
    np.testing.assert_allclose(table[14], np.roll(table[12], 2), rtol=1e-12)
    assert table[0, 0] == pytest.approx(6.35 / 41.79)


def test_an_unknown_profile_is_named():
    with pytest.raises(InputError, match="'krumhansel' is not one of .*did you mean 'krumhansl'"):
        key_profiles("krumhansel")
