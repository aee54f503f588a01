"""The shell of a stage or command: arguments, logging, and errors that end in one sentence and an exit status."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tivit.core.errors import InputError

if TYPE_CHECKING:
    from tivit.core.run.runtime import RuntimeParams

EXIT_BAD_INPUT = 2
"""Exit status for bad input, the same as that of argparse for bad arguments."""
EXIT_INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 plus the number of SIGINT, as in shells."""
EXIT_NO_READER = 141
"""Exit status when nobody reads stdout any more: 128 plus the number of SIGPIPE, as in shells."""


STOPPED = "stopped: what was finished is kept, run the same command to go on"


def _say_stopped(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in a sentence that Ctrl-C ended the program while `exit_status` was not yet at work: between imports."""
    if issubclass(kind, KeyboardInterrupt):
        print(STOPPED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _say_stopped


def run_stage(run: Callable[[dict[str, Any], RuntimeParams], None], argv: list[str] | None = None) -> int:
    """Run a DVC stage from its command line.

    The arguments are `--params FILE` (by default params.yaml) and `--verbose {info,debug}`. Where DVC runs the stage, and so
    takes what it writes for the result of the code listed in `data/code`, the code must be that code.

    Parameters
    ----------
    run : callable
        The stage, called as `run(params, runtime)` with the parsed params file and its `runtime` section.
    argv : list of str, optional
        The arguments; by default those of this process.

    Returns
    -------
    int
        The exit status: 0, or as `exit_status` says.
    """
    script = sys.modules[run.__module__]
    parser = argparse.ArgumentParser(description=(script.__doc__ or "").strip().split("\n")[0])
    parser.add_argument("--params", default="params.yaml", help="the params file (default: %(default)s)")
    add_verbose(parser)
    arguments = parser.parse_args(argv)

    def work() -> None:
        from tivit.core import params as params_file  # here, as `tivit --help` imports this module and should answer at once
        from tivit.core.run.code import check_code
        from tivit.core.run.guard import RUN_BY_DVC, refuse_unwanted
        from tivit.core.run.runtime import RuntimeParams

        set_verbose(arguments.verbose)
        if RUN_BY_DVC in os.environ:
            check_code(Path(str(script.__file__)).stem)
        refuse_unwanted()
        values = params_file.load(arguments.params)
        run(values, params_file.section(values, "runtime", RuntimeParams))

    return exit_status(work)


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """Add the option `--verbose {info,debug}` to an argument parser."""
    parser.add_argument("--verbose", choices=("info", "debug"), default="info", help="how much is said (default: info)")


def set_verbose(level: str) -> None:
    """Set how much the `tivit` loggers say on stderr.

    Parameters
    ----------
    level : str
        "info", or "debug", which also adds the time and the module to each line.
    """
    pattern = "%(asctime)s %(name)s: %(message)s" if level == "debug" else "%(message)s"
    logging.basicConfig(level=logging.INFO, format=pattern, stream=sys.stderr, force=True)
    logging.getLogger("tivit").setLevel(logging.DEBUG if level == "debug" else logging.INFO)


def exit_status(work: Callable[[], None]) -> int:
    """Call some work and return the exit status of the process.

    Bad input, a failing disk and Ctrl-C end in one sentence on stderr. The end is silent when nobody reads stdout any more, as
    after `| head`. Any other exception is a defect and is raised.

    Parameters
    ----------
    work : callable
        Takes no argument; what it returns is ignored.

    Returns
    -------
    int
        0 when it went well, 2 after bad input or an error of the system, 130 after Ctrl-C, 141 when nobody reads stdout.
    """
    try:
        work()
        sys.stdout.flush()  # otherwise the interpreter would be the first to see, at its end, that nobody reads
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered can go nowhere else
        return EXIT_NO_READER
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except OSError as error:
        print(f"error: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0
