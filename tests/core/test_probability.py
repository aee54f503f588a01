"""Probabilities and logits: known values, ends, and each the inverse of the other."""

import numpy as np
import pytest

from tivit.core.probability import logit, sigmoid


def test_known_values():
    assert sigmoid(0.0) == 0.5 and sigmoid(np.log(3.0)) == pytest.approx(0.75)
    assert logit(0.5) == 0.0 and logit(0.75) == pytest.approx(np.log(3.0))


def test_ends_are_exact_and_silent():
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e4, 1e4], np.float32)).tolist() == [0.0, 1.0]
    assert logit(np.array([0.0, 1.0])).tolist() == [-np.inf, np.inf]


def test_each_is_the_inverse_of_the_other():
    probability = np.linspace(0.001, 0.999, 57)
    np.testing.assert_allclose(sigmoid(logit(probability)), probability, rtol=1e-12)
    assert sigmoid(np.float16([1.0])).dtype == np.float64
