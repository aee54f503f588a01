"""What the libraries that compute read from the environment when they are loaded."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

CALM = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""Threads that wait for each other in a loop take the processor from the decoder and from the network. The beats of two minutes
took 0.35 processor seconds with these settings, and up to 2 without them while another program was at work."""


def calm_libraries(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let no library compute with threads that wait in a loop; to be called before numpy and torch are imported.

    Parameters
    ----------
    environment : mutable mapping
        The variables; what the user set is left as it is.
    """
    for name, value in CALM.items():
        environment.setdefault(name, value)
