"""Work on numbers that stands in for work on clips, in a module that worker processes can import."""

import os
import signal
import time
from pathlib import Path

from tivit.core.errors import InputError


def squared(number: int) -> int:
    return number * number


def odd_alone(number: int) -> int:
    if number % 2 == 0:
        raise InputError(f"{number} is even")
    return number


def full_disk(number: int) -> int:
    raise OSError(28, "No space left on device", f"clip {number}")


def dies_once(folder: Path, number: int) -> int:
    """Kill this process the first time that the number 2 is worked on."""
    (folder / f"{number}.{len(list(folder.glob(f'{number}.*')))}").touch()
    if number == 2 and len(list(folder.glob("2.*"))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dies_always(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def slow_in(folder: str, number: int) -> int:
    """Work for a moment and leave a file."""
    time.sleep(0.3)
    Path(folder, f"{number}.done").touch()
    return number


def interrupts_all(number: int, folder: Path, workers: int) -> int:
    """Do to this process, the others and the one that waits for them what Ctrl-C at a terminal does, once all are at work.

    A process that Python is only starting has no say yet in what Ctrl-C does to it.
    """
    (folder / str(number)).touch()
    limit_s = time.monotonic() + 60.0
    while len(list(folder.iterdir())) < workers and time.monotonic() < limit_s:
        time.sleep(0.01)
    if number == 1:
        os.killpg(0, signal.SIGINT)
    while time.monotonic() < limit_s:
        time.sleep(0.01)
    return number
