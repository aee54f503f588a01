"""Per-clip work: order, failures by name, and workers that are killed, in this process, on local processes and on clusters."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
from parallel_cases import dies_always, dies_once, full_disk, odd_alone, slow_in, squared
from paths import ROOT

from tivit.core.errors import InputError
from tivit.core.run.parallel import AHEAD, map_clips
from tivit.core.run.runtime import Workers

HERE, TWO = Workers(1), Workers(2)
# The engines of clusters are large, so requirements.txt leaves them out; the job `clusters` of the workflow installs them.
needs_dask = pytest.mark.skipif(
    find_spec("distributed") is None, reason="dask.distributed (the extra `cluster`) is not installed"
)
# Ray is large too, and left out and installed in the same places.
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray (the extra `cluster`) is not installed")


def done(work, numbers, workers=HERE):
    return list(map_clips(work, numbers, workers, "squares", str, len(numbers)))


@pytest.mark.parametrize("workers", [HERE, TWO])
def test_results_come_in_the_order_of_the_items(workers):
    assert done(squared, [3, 1, 2], workers) == [(3, 9), (1, 1), (2, 4)]


@pytest.mark.parametrize("workers", [HERE, TWO])
def test_items_that_fail_are_named_and_the_others_are_done(workers):
    results = map_clips(odd_alone, [1, 2, 3, 4, 5], workers, "odds", lambda number: f"clip {number}", 5)
    seen = [next(results)[1] for _ in range(3)]
    assert seen == [1, 3, 5]
    message = "odds: 2 of 5 clips failed, the others are done: clip 2: 2 is even; clip 4: 4 is even$"
    with pytest.raises(InputError, match=message):
        next(results)


def test_of_many_failures_a_few_are_named():
    with pytest.raises(InputError, match=r"7 of 7 .* 8: 8 is even; and 2 more, which the log names"):
        done(odd_alone, list(range(0, 14, 2)))


def test_a_single_item_fails_with_its_own_sentence():
    with pytest.raises(InputError, match="^4 is even$"):
        done(odd_alone, [4], TWO)


@pytest.mark.parametrize("workers", [HERE, TWO])
def test_a_full_disk_ends_the_work(workers):
    with pytest.raises(OSError, match="clip 0"):
        done(full_disk, [0, 1, 2], workers)


def test_a_clip_whose_process_is_killed_is_done_again(tmp_path, caplog):
    numbers = list(range(6))
    assert done(partial(dies_once, tmp_path), numbers, TWO) == [(number, number) for number in numbers]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.0", "1.0", "2.0", "2.1", "3.0", "4.0", "5.0"]
    assert [record.getMessage() for record in caplog.records] == ["the process that worked on 2 died; it is done again"]


def test_a_clip_that_kills_every_process_is_named_and_the_others_are_done():
    results = map_clips(dies_always, [1, 2, 3], TWO, "deaths", str, 3)
    assert [next(results), next(results)] == [(1, 1), (3, 3)]
    with pytest.raises(InputError, match="1 of 3 clips failed.*2: its worker died every time"):
        next(results)


@pytest.mark.parametrize("count", [1, 2])
def test_ctrl_c_that_reaches_the_workers_too_ends_in_one_sentence(count, tmp_path):
    code = (
        "from functools import partial\n"
        "from pathlib import Path\n"
        "from parallel_cases import interrupts_all\n"
        "from tivit.core.run.parallel import map_clips\n"
        "from tivit.core.run.runtime import Workers\n"
        "from tivit.core.run.stage import exit_status\n"
        f"interrupts = partial(interrupts_all, folder=Path({str(tmp_path)!r}), workers={count})\n"
        f"work = lambda: list(map_clips(interrupts, [1, 2, 3], Workers({count}), 'clips', str, 3))\n"
        "raise SystemExit(exit_status(work))\n"
    )
    environment = os.environ | {"PYTHONPATH": f".{os.pathsep}tests/helpers"}
    listens = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, start_new_session=True,
        preexec_fn=listens,
    )  # fmt: skip
    assert process.returncode == 130, process.stderr
    assert "Traceback" not in process.stderr and process.stderr.endswith("run the same command to go on\n")


def test_items_are_taken_as_there_is_room_for_them():
    """So neither the items nor the results that wait for an earlier one grow with their number."""
    taken = []

    def numbers():
        for number in range(1000):
            taken.append(number)
            yield number

    results = map_clips(squared, numbers(), HERE, "squares", str, 1000)
    assert next(results) == (0, 0) and len(taken) <= AHEAD


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_an_engine_that_is_not_installed_is_named(engine, monkeypatch):
    monkeypatch.setitem(sys.modules, {"dask": "distributed", "ray": "ray"}[engine], None)
    with pytest.raises(InputError, match=rf"runtime.engine {engine} needs .*pip install 'tivit\[cluster\]'"):
        done(squared, [1, 2], Workers(2, engine))


@needs_dask
@pytest.mark.slow
def test_three_workers_of_dask_one_of_them_killed_lose_nothing(tmp_path, monkeypatch):
    """A real scheduler and three worker processes; they find the folder, and the code of this test, by themselves."""
    monkeypatch.chdir(tmp_path)
    numbers = list(range(12))
    with scheduler_and_workers(tmp_path, 3) as (address, workers):
        assert done(squared, numbers, Workers(1, "dask", address)) == [(number, number**2) for number in numbers]
        results = map_clips(partial(slow_in, "."), numbers, Workers(1, "dask", address), "slow", str, len(numbers))
        first = next(results)
        workers[0].kill()
        assert [first, *results] == [(number, number) for number in numbers]
        assert {path.name for path in tmp_path.glob("*.done")} == {f"{number}.done" for number in numbers}
        with pytest.raises(InputError, match="6 of 12 clips failed"):
            done(odd_alone, numbers, Workers(1, "dask", address))
        assert len(done(partial(dies_once, tmp_path), [1, 2], Workers(1, "dask", address))) == 2


@needs_dask
def test_a_scheduler_that_is_not_there_is_named(monkeypatch):
    from tivit.core.run import clusters

    monkeypatch.setattr(clusters, "CONNECT_S", 0.2)
    with pytest.raises(InputError, match="runtime.scheduler tcp://127.0.0.1:9: cannot be used"):
        done(squared, [1, 2], Workers(1, "dask", "tcp://127.0.0.1:9"))


@needs_ray
@pytest.mark.slow
def test_processes_of_ray_do_the_work_and_one_that_is_killed_loses_nothing(tmp_path):
    numbers = list(range(6))
    assert done(partial(dies_once, tmp_path), numbers, Workers(2, "ray")) == [(number, number) for number in numbers]


@contextmanager
def scheduler_and_workers(folder: Path, count: int):
    """Yield the address of a new scheduler on the loopback and its worker processes."""
    file = folder / "scheduler.json"
    both = ["--scheduler-file", str(file), "--host", "127.0.0.1"]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *both, "--port", "0", "--no-dashboard"]
    started = [subprocess.Popen(command)]
    try:
        while not file.exists():
            assert started[0].poll() is None
            time.sleep(0.05)
        command = [sys.executable, "-m", "distributed.cli.dask_worker", *both, "--nthreads", "1", "--no-nanny"]
        started += [subprocess.Popen(command, cwd="/") for _ in range(count)]
        yield json.loads(file.read_text())["address"], started[1:]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()
