"""What training and inference ask of a network, whatever its backend."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Network(Protocol):
    """A torch module that maps inputs (B, T, 3, H, W) from `inputs.make_inputs` to head name -> logits (B, T, 88).

    It answers in two steps, so that frames shared by two windows are seen once: `forward` is `read(see(inputs))`. All
    parameters of the velocity head, which a network may lack, lie in its module `velocity`, made last: they move no other's
    start.

    Attributes
    ----------
    context_frames : how many frames on either side the answer for a frame depends on.
    head_names : which heads it has, in order.
    """

    context_frames: int
    head_names: tuple[str, ...]

    def see(self, inputs: Tensor) -> Tensor:
        """Return what each frame shows by itself, (B, T, ...)."""
        ...

    def read(self, sights: Tensor) -> dict[str, Tensor]:
        """Return head name -> logits (B, T, 88) of frames in a row from what `see` saw in them."""
        ...

    def __call__(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return head name -> logits (B, T, 88)."""
        ...
