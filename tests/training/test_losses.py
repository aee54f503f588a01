"""Losses and average precision against values worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from model_cases import NO_AUGMENT, batch_of, played_clip, train_params

from tivit.core.heads import HEAD_NAMES
from tivit.core.keyboard import keys_between
from tivit.training.losses import head_losses, onset_average_precision

LN2 = math.log(2.0)


def test_zero_logits_by_hand():
    params = train_params(event_pos_weight=3.0, attribute_weight=0.5, velocity_weight=0.25)
    batch = batch_of([played_clip("a")], params, 0, 0)
    zeros = {name: torch.zeros(2, 8, 88) for name in HEAD_NAMES}
    losses = head_losses(zeros, batch, params)
    assert float(losses["pitch"]) == pytest.approx(LN2)
    mask = batch.masks["onset"]
    mean_onset = float((mask * batch.targets["onset"]).sum() / mask.sum())
    assert float(losses["onset"]) == pytest.approx(LN2 * (1 + 2 * mean_onset), rel=1e-5)
    assert batch.masks["hand"].sum() > 0
    assert float(losses["hand"]) == pytest.approx(0.5 * LN2)
    assert batch.masks["velocity"].sum() > 0
    assert float(losses["velocity"]) == pytest.approx(0.25 * LN2)


def test_the_velocity_loss_is_least_at_the_velocity_itself():
    batch = batch_of([played_clip("a")], train_params(), 0, 0)
    share = torch.where(batch.masks["velocity"].bool(), batch.targets["velocity"], torch.tensor(0.3))
    logits = torch.logit(share).requires_grad_()
    losses = head_losses({"velocity": logits}, batch, train_params())
    losses["velocity"].backward()
    assert list(losses) == ["velocity"] and logits.grad.abs().max() < 1e-7


def test_attributes_are_ignored_outside_their_mask():
    params = train_params()
    batch = batch_of([played_clip("a")], params, 0, 0)
    logits = {name: torch.zeros(2, 8, 88, requires_grad=True) for name in HEAD_NAMES}
    head_losses(logits, batch, params)["hand"].backward()
    assert torch.equal(logits["hand"].grad != 0, batch.masks["hand"].bool())


@pytest.mark.parametrize("head", HEAD_NAMES)
def test_keys_out_of_view_have_no_say_in_any_head(head):
    """Neither logits nor notes of keys that the picture does not show change a loss, and they get no gradient."""
    params, in_view = train_params(augment=NO_AUGMENT), keys_between(50, 66)
    clip = replace(played_clip("a"), in_view=in_view)
    silent = replace(clip, notes=clip.notes.take(clip.notes.midi == 60))
    losses = []
    for seen in (clip, silent):
        batch = batch_of([seen], params, 0, 4)
        logits = {name: torch.linspace(-2, 2, 88).expand(2, 8, 88).clone() for name in HEAD_NAMES}
        logits[head][..., ~torch.from_numpy(in_view)] = 9.0 * len(losses)
        logits[head].requires_grad_()
        loss = head_losses(logits, batch, params)[head]
        loss.backward()
        losses.append(float(loss.detach()))
        assert not logits[head].grad[..., ~torch.from_numpy(in_view)].any()
    assert losses[0] == losses[1] > 0


def test_no_labels_give_no_attribute_loss():
    params = train_params()
    batch = batch_of([played_clip("a")], params, 0, 0)
    batch.masks["clef"].zero_()
    logits = {name: torch.zeros(2, 8, 88) for name in HEAD_NAMES}
    assert float(head_losses(logits, batch, params)["clef"]) == 0.0


def test_average_precision_by_hand():
    target = np.array([1.0, 0.0, 0.5, 0.9, 0.0])
    assert onset_average_precision(np.array([4.0, 1.0, 9.0, 3.0, 2.0]), target) == 1.0
    assert onset_average_precision(np.array([4.0, 3.0, 9.0, 2.0, 1.0]), target) == pytest.approx((1 + 2 / 3) / 2)
    assert onset_average_precision(np.array([1.0]), np.array([0.0])) == 0.0
