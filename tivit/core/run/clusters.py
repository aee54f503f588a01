"""The engines of a cluster: dask.distributed and Ray, both of the extra `cluster`.

Without `runtime.scheduler` they start workers on this machine. The workers of a running cluster must see the folder of the
project, and that of the code, under the same paths, and have the same versions of what computes; they are asked, so that no
worker with other code adds its results in silence. A worker that lives long gets the code anew after an edit.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tivit.core.errors import InputError
from tivit.core.run.engines import ATTEMPTS, ONE_THREAD, Outcome, outcome_on_one_thread
from tivit.core.run.runtime import Workers

SOURCES = Path(__file__).resolve().parents[3]
"""The folder of the packages `tivit` and `stages`."""
COMPUTING = ("av", "numpy", "opencv-python-headless", "scipy", "torch")
"""Packages whose version can change a byte of a result."""
CONNECT_S = 30
"""How long a cluster may take to answer, and to have a worker (s)."""
PLUGIN, STAMP = "tivit", "TIVIT_CODE"
HEAP = {-1: 256 << 20, -3: 32 << 20}
"""Options of glibc's mallopt: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, in bytes. Dask starts its workers with so low a first one
that glibc gives the memory of each picture back and fetches it again for the next one: rendering took twice as long."""
QUEUED = 2
"""Items per worker of a cluster that are sent to it: while one is worked on, the next one is on its way."""


class _DaskEngine:
    """Workers of dask.distributed. Dask itself gives the items of a worker that died to others."""

    attempts = 1

    def __init__(self, client: Any) -> None:
        from cloudpickle import dumps
        from distributed import KilledWorker

        self.deaths: tuple[type[BaseException], ...] = (KilledWorker,)
        self._dumps = dumps
        self._client, self._executor, self._unpacked = client, client.get_executor(pure=False), _unpacking()

    def room(self) -> int:
        """Return how many items the workers that are there now have room for."""
        return QUEUED * max(1, sum(self._client.nthreads().values()))

    def submit(self, work: Callable[[Any], Any], item: Any) -> Future[Outcome]:
        """Send an item to the scheduler."""
        return self._executor.submit(self._unpacked, self._dumps((work, item)))


@contextmanager
def dask_cluster(workers: Workers) -> Iterator[_DaskEngine]:
    """Yield an engine on the workers of a dask scheduler, or on `workers.count` new ones of this machine.

    Parameters
    ----------
    workers : Workers
        Its scheduler is an address such as tcp://10.0.0.1:8786, or None.

    Yields
    ------
    _DaskEngine

    Raises
    ------
    InputError
        dask.distributed is not installed, the scheduler does not answer or has no workers, a worker does not see the folder of
        the project or has other versions, or the scheduler went away.
    """
    try:
        from distributed import Client, LocalCluster
    except ModuleNotFoundError:
        raise _not_installed("dask", "dask.distributed") from None
    place = workers.scheduler or "this machine"
    with ExitStack() as stack:
        try:
            cluster: Any = workers.scheduler
            if cluster is None:
                cluster = LocalCluster(n_workers=workers.count, threads_per_worker=1, dashboard_address=None)
                stack.enter_context(cluster)
            client = stack.enter_context(Client(cluster, timeout=CONNECT_S))
            client.wait_for_workers(1, timeout=CONNECT_S)
            client.register_plugin(_preparation(), PLUGIN)
            stack.callback(_release, client)
        except (OSError, RuntimeError, TimeoutError, ValueError) as error:
            raise InputError(f"runtime.scheduler {place}: cannot be used: {error}") from None
        yield _DaskEngine(client)


def _release(client: Any) -> None:
    """Leave a running cluster as it was, where it still runs."""
    if client.status == "running":
        client.unregister_worker_plugin(PLUGIN)


def _unpacking() -> Callable[[bytes], Outcome]:
    """Return what a worker runs: a function of a function, sent as it is, because the scheduler cannot import this module."""

    def unpacked(package: bytes) -> Outcome:
        import pickle

        from tivit.core.run.engines import outcome_on_one_thread

        return outcome_on_one_thread(*pickle.loads(package))

    return unpacked


def _preparation() -> Any:
    """Return what makes a worker of dask ready: the folder, the code, variables and versions.

    It is a class of a function, so that it is sent as it is: a worker cannot import this module before it is ready.
    """
    from distributed import WorkerPlugin

    def versions_of(names: tuple[str, ...]) -> dict[str, str]:
        found = {item.metadata["Name"]: item.version for item in importlib.metadata.distributions()}
        return {"python": sys.version.split()[0]} | {name: found.get(name, "(none)") for name in names}

    folder, sources, stamp, versions = str(Path.cwd()), str(SOURCES), _code_stamp(), versions_of(COMPUTING)
    variables = ONE_THREAD | {name: value for name, value in os.environ.items() if name.startswith("TIVIT_")}
    names, stamp_name, paths, heap = COMPUTING, STAMP, _search_path(), HEAP

    class Preparation(WorkerPlugin):
        """Runs in each worker that is there, and in each that joins."""

        def setup(self, worker: Any) -> None:
            """Make ready, or raise."""
            del worker
            theirs = versions_of(names)
            if theirs != versions:
                other = [f"{name} {theirs[name]}, not {versions[name]}" for name in versions if theirs[name] != versions[name]]
                raise RuntimeError(f"a worker has {', '.join(other)}; workers need the versions of this environment")
            os.chdir(folder)
            os.environ.update(variables)
            if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
                for option, value_b in heap.items():
                    library.mallopt(option, value_b)
            sys.path[:] = [sources, *(path for path in sys.path if path != sources)]
            sys.path += [path for path in paths if path not in sys.path]
            if os.environ.get(stamp_name) != stamp:
                for name in [name for name in sys.modules if name.partition(".")[0] in ("stages", "tivit")]:
                    del sys.modules[name]
                os.environ[stamp_name] = stamp

    return Preparation()


def _search_path() -> list[str]:
    """Return where this process finds modules; the entry "" stands for the current folder."""
    return [str(Path(path).resolve()) for path in sys.path]


def _code_stamp() -> str:
    """Return what changes when a source of the project does."""
    digest = hashlib.sha256()
    for package in ("stages", "tivit"):
        for path in sorted((SOURCES / package).rglob("*.py")):
            state = path.stat()
            digest.update(f"{path} {state.st_mtime_ns} {state.st_size}\n".encode())
    return digest.hexdigest()


class _RayEngine:
    """Workers of Ray, which itself starts a task again whose worker died."""

    attempts = 1

    def __init__(self, ray: Any) -> None:
        self.deaths: tuple[type[BaseException], ...] = (ray.exceptions.WorkerCrashedError,)
        self._ray = ray
        self._remote = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(_outcome_in_folder)

    def room(self) -> int:
        """Return how many items the processors of the cluster have room for."""
        return QUEUED * max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def submit(self, work: Callable[[Any], Any], item: Any) -> Future[Outcome]:
        """Send an item to the cluster."""
        return self._remote.remote(str(Path.cwd()), work, item).future()


@contextmanager
def ray_cluster(workers: Workers) -> Iterator[_RayEngine]:
    """Yield an engine on a cluster of Ray, or on `workers.count` new processes of this machine.

    Parameters
    ----------
    workers : Workers
        Its scheduler is an address such as ray://10.0.0.1:10001 or auto, or None.

    Yields
    ------
    _RayEngine

    Raises
    ------
    InputError
        Ray is not installed, or the cluster does not answer.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise _not_installed("ray", "Ray") from None
    variables = ONE_THREAD | {name: value for name, value in os.environ.items() if name.startswith("TIVIT_")}
    variables["PYTHONPATH"] = os.pathsep.join([str(SOURCES), *_search_path()])
    own = {} if workers.scheduler else {"num_cpus": workers.count, "include_dashboard": False}
    address, environment = workers.scheduler or "local", {"env_vars": variables}
    try:
        ray.init(address, log_to_driver=False, logging_level="error", runtime_env=environment, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"runtime.scheduler {workers.scheduler or 'this machine'}: cannot be used ({error})") from None
    try:
        yield _RayEngine(ray)
    finally:
        ray.shutdown()


def _outcome_in_folder(folder: str, work: Callable[[Any], Any], item: Any) -> Outcome:
    os.chdir(folder)
    return outcome_on_one_thread(work, item)


def _not_installed(engine: str, package: str) -> InputError:
    return InputError(f"runtime.engine {engine} needs {package}, which is not installed; pip install 'tivit[cluster]'")
