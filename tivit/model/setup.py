"""How torch is to run: threads, device, determinism and memory. Called once before training or inference."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import AbstractContextManager

import torch

from tivit.core.errors import InputError
from tivit.core.run.runtime import RuntimeParams

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of two options of `mallopt`, from the header malloc.h of the GNU C library."""
KEEP_BYTES = 1 << 30
"""Freed blocks up to this size (bytes) stay with the process."""


def prepare_torch(runtime: RuntimeParams) -> torch.device:
    """Set threads and determinism, and return the device.

    Parameters
    ----------
    runtime : RuntimeParams
        The `runtime` section.

    Returns
    -------
    torch.device
        A CPU, or a CUDA device that is there.

    Raises
    ------
    InputError
        `runtime.device` is unknown or not there.
    """
    try:
        device = torch.device(runtime.device)
    except RuntimeError:
        raise InputError(f"runtime.device {runtime.device!r} is not a device; use cpu or cuda") from None
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"runtime.device {runtime.device!r}: use cpu or cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("runtime.device is cuda, but torch sees no CUDA device; use cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it torch refuses to be deterministic on CUDA
    torch.set_num_threads(runtime.threads)
    if runtime.compile:
        torch.use_deterministic_algorithms(True)
    else:
        # The same switch without the one of the compiler, whose modules take 1.5 s to be imported.
        torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False
    _keep_freed_memory()
    return device


def autocast(runtime: RuntimeParams, device: torch.device) -> AbstractContextManager:
    """Return the context in which a forward pass runs in `runtime.precision`.

    Parameters
    ----------
    runtime : RuntimeParams
        The `runtime` section.
    device : torch.device
        Where the network lies, from `prepare_torch`.

    Returns
    -------
    context manager
        With float32 it changes nothing.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=runtime.precision == "bfloat16")


def _keep_freed_memory() -> None:
    """Have the C library keep big freed blocks.

    Giving them back to the system and faulting them in again halved the speed of the stem.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, KEEP_BYTES)
            mallopt(M_TRIM_THRESHOLD, KEEP_BYTES)
