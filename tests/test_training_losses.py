"""Losses and average precision against values worked out by hand."""

import math

import numpy as np
import pytest
import torch
from model_cases import played_clip, train_params

from tivit.core.heads import HEAD_NAMES
from tivit.training.data import draw_batch
from tivit.training.losses import head_losses, onset_average_precision

LN2 = math.log(2.0)


def test_zero_logits_by_hand():
    params = train_params(event_pos_weight=3.0, attribute_weight=0.5)
    batch = draw_batch([played_clip("a")], params, 0, 0)
    zeros = {name: torch.zeros(2, 8, 88) for name in HEAD_NAMES}
    losses = head_losses(zeros, batch, params)
    assert float(losses["pitch"]) == pytest.approx(LN2)
    mean_onset = float(batch.targets["onset"].mean())
    assert float(losses["onset"]) == pytest.approx(LN2 * (1 + 2 * mean_onset), rel=1e-5)
    assert batch.masks["hand"].sum() > 0
    assert float(losses["hand"]) == pytest.approx(0.5 * LN2)


def test_attributes_are_ignored_outside_their_mask():
    params = train_params()
    batch = draw_batch([played_clip("a")], params, 0, 0)
    logits = {name: torch.zeros(2, 8, 88, requires_grad=True) for name in HEAD_NAMES}
    head_losses(logits, batch, params)["hand"].backward()
    assert torch.equal(logits["hand"].grad != 0, batch.masks["hand"].bool())


def test_no_labels_give_no_attribute_loss():
    params = train_params()
    batch = draw_batch([played_clip("a")], params, 0, 0)
    batch.masks["clef"].zero_()
    logits = {name: torch.zeros(2, 8, 88) for name in HEAD_NAMES}
    assert float(head_losses(logits, batch, params)["clef"]) == 0.0


def test_average_precision_by_hand():
    target = np.array([1.0, 0.0, 0.5, 0.9, 0.0])
    assert onset_average_precision(np.array([4.0, 1.0, 9.0, 3.0, 2.0]), target) == 1.0
    assert onset_average_precision(np.array([4.0, 3.0, 9.0, 2.0, 1.0]), target) == pytest.approx((1 + 2 / 3) / 2)
    assert onset_average_precision(np.array([1.0]), np.array([0.0])) == 0.0
