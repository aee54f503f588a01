"""What training and inference ask of a network, whatever its backend."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Network(Protocol):
    """A torch module that maps inputs (B, T, 3, H, W) from `inputs.make_inputs` to head name -> logits (B, T, 88).

    It answers in two steps, so that frames which two windows share are seen once: `forward` is `read(see(inputs))`. All
    parameters of the velocity head, which a network may lack, lie in its module `velocity`. That module is made last, so that
    the random weights that the others start from do not depend on it.

    Attributes
    ----------
    context_frames : int
        How many frames on either side the answer for a frame depends on.
    frame_multiple : int
        How many frames in a row are one to the network, counted from the first that `read` gets: 2 means that the answers stay
        the same where frames are left out at the beginning only if their number is even.
    head_names : tuple of str
        Which heads it has, in order.
    """

    context_frames: int
    frame_multiple: int
    head_names: tuple[str, ...]

    def see(self, inputs: Tensor) -> Tensor:
        """Return what each frame shows by itself.

        Parameters
        ----------
        inputs : Tensor
            float (B, T, 3, H, W), from `inputs.make_inputs`.

        Returns
        -------
        Tensor
            (B, T, ...); what stands in it is the network's own affair.
        """
        ...

    def read(self, sights: Tensor) -> dict[str, Tensor]:
        """Return the logits of frames in a row from what `see` saw in them.

        Parameters
        ----------
        sights : Tensor
            (B, T, ...), from `see`; stretches that follow each other may be joined along T.

        Returns
        -------
        dict[str, Tensor]
            Head name -> logits (B, T, 88).
        """
        ...

    def __call__(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return head name -> logits (B, T, 88)."""
        ...
