"""Engines: what runs one function over many batches, on the cores of this machine or on Dask.

An engine yields results in the order in which they are ready, and leaves no process behind, however
it ends. Function, batches and results travel between processes, and so must be picklable; they hold
no secret.
"""

import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from typing import Any, TypeVar

from instance_images.errors import ConfigurationError, Refused
from instance_images.names import printable
from instance_images_reports.batch.own_database import close_own_database

Batch = TypeVar("Batch")
Result = TypeVar("Result")
Engine = Callable[[Callable[[Batch], Result], Sequence[Batch]], Iterator[Result]]

LOCAL, DASK = "local", "dask"
_PATIENCE_SECONDS = 30
# What a client needs to know the scheduler by, and to be known: options of Dask's configuration.
_CERTIFICATES = {
    "ca_file": "distributed.comm.tls.ca-file",
    "client_cert": "distributed.comm.tls.client.cert",
    "client_key": "distributed.comm.tls.client.key",
}
# A worker that is told to end complains of what it was doing. What goes wrong in our own work is
# raised here all the same.
_WITHOUT_NOISE = {
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "critical",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # It looks at what a worker does a hundred times a second, for a page that is not served.
    "distributed.worker.profile.enabled": False,
}


def engine(name: str, jobs: int | None, address: str | None) -> Engine[Any, Any]:
    """Return the engine of that name; ``jobs`` processes, by default one a core.

    ``address`` is that of a scheduler of Dask that runs already. Raises ConfigurationError where
    what the engine needs is not installed, and where the scheduler could not be told from another.
    """
    count = jobs or len(os.sched_getaffinity(0))
    if name == DASK:
        _require_dask()
        if address is not None:
            _configured_security(address)
            return lambda function, batches: _on_scheduler(function, batches, address)
        return lambda function, batches: _on_own_cluster(function, batches, count)
    return lambda function, batches: _on_this_machine(function, batches, count)


# ------------------------------------------------------------------- this machine


def _on_this_machine(
    function: Callable[[Batch], Result], batches: Sequence[Batch], jobs: int
) -> Iterator[Result]:
    """Yield the results. This process works too: the others must first start and import."""
    jobs = min(jobs, len(batches))
    if jobs <= 1:
        yield from map(function, batches)
        return
    # A forked process would share the database connections and the threads of this one.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        jobs - 1, mp_context=context, initializer=_prepare, initargs=gc.get_threshold()
    )
    try:
        yield from _shared(function, batches, pool, jobs - 1)
    except BrokenProcessPool as error:
        raise Refused(
            "A process that rendered reports was killed, so nothing was written. If memory ran"
            " out, render fewer reports at once.",
            case="jobs",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _shared(
    function: Callable[[Batch], Result],
    batches: Sequence[Batch],
    pool: Executor,
    others_count: int,
) -> Iterator[Result]:
    """Yield the results of this process and of the others, until no batch is left.

    While there are many batches, each of the others has a second one queued, so that it does not
    wait while this process works on a batch of its own. No more batches are taken in advance.
    """
    waiting = deque(range(len(batches)))
    running: set[Future[Result]] = set()
    while waiting or running:
        each_has = 2 if len(waiting) > 2 * others_count else 1
        while waiting and len(running) < each_has * others_count:
            running.add(pool.submit(function, batches[waiting.popleft()]))
        if waiting:
            yield function(batches[waiting.popleft()])
        patience = 0 if waiting else None
        done, running = wait(running, patience, return_when=FIRST_COMPLETED)
        yield from (one.result() for one in done)


def _prepare(*collect_after: int) -> None:
    """Let the first process alone answer to Ctrl-C: it ends the others. Collect as seldom as it.

    End with it where it is killed and cannot end anything.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(*collect_after)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # the main thread waits for work that nobody will send


# ----------------------------------------------------------------------------- Dask


def _require_dask() -> None:
    """Raise ConfigurationError if Dask is not installed; importing it takes half a second."""
    for name in ("cryptography", "distributed"):
        if find_spec(name) is None:
            raise ConfigurationError(
                f"The engine dask needs {name}, which is not installed: install"
                " instance-images[dask]."
            )


def _on_scheduler(
    function: Callable[[Batch], Result], batches: Sequence[Batch], address: str
) -> Iterator[Result]:
    with _client_at(address) as client:
        yield from _on_workers(function, batches, client)
        client.run(close_own_database)  # its workers live on


def _on_own_cluster(
    function: Callable[[Batch], Result], batches: Sequence[Batch], jobs: int
) -> Iterator[Result]:
    """Yield the results; this process works while Dask and its workers start, and is one of jobs.

    With one job it stops when the worker has started, and the worker makes the other reports.
    """
    waiting = deque(batches)
    others_count = max(jobs - 1, 1)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(1) as starter:
        starting = starter.submit(stack.enter_context, _own_cluster(others_count))
        while len(waiting) > jobs and not starting.done():
            yield function(waiting.popleft())
        cluster = starting.result()
        from distributed import Client

        with Client(cluster, security=cluster.security) as client:
            client.run(gc.set_threshold, *gc.get_threshold())
            if jobs == 1:
                yield from _on_workers(function, waiting, client)
            else:
                executor = client.get_executor(pure=False)
                yield from _shared(function, list(waiting), executor, others_count)


def _on_workers(
    function: Callable[[Batch], Result], batches: Iterable[Batch], client: Any
) -> Iterator[Result]:
    from distributed import as_completed as completed_on_dask

    # Not pure: the same batch is to be computed again, for its files are to be written again.
    futures = client.map(function, list(batches), pure=False)
    try:
        for done in completed_on_dask(futures):
            yield done.result()
    finally:
        client.cancel(futures)


def _configured_security(address: str) -> Any:
    """Return what Dask's own configuration says of certificates.

    Whoever connects to a scheduler without certificates can have its workers run anything, and a
    false scheduler could send anything back. Raises ConfigurationError.
    """
    from distributed import Security

    if not address.startswith("tls://"):
        raise ConfigurationError(
            f"The scheduler of Dask at {printable(address)} does not require client certificates:"
            " anyone who can connect can run code on its workers. Start it with certificates,"
            " and give its address as tls://HOST:PORT."
        )
    security = Security(require_encryption=True)
    missing = [name for name in _CERTIFICATES if not getattr(security, f"tls_{name}")]
    if missing:
        raise ConfigurationError(
            "Dask has no client certificate, or no CA to verify the scheduler: set"
            f" {', '.join(_CERTIFICATES[name] for name in missing)} in Dask's configuration, to"
            " files of a CA that is used for this cluster only."
        )
    return security


@contextlib.contextmanager
def _client_at(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        security = _configured_security(address)
        client = Client(address, timeout=_PATIENCE_SECONDS, security=security)
    except (OSError, ValueError) as error:
        raise Refused(f"No scheduler of Dask answers at {printable(address)}: {error}") from error
    with client:
        yield client


@contextlib.contextmanager
def _own_cluster(workers_count: int) -> Iterator[Any]:
    """Yield a cluster made for this run, on this machine alone, without web pages.

    Every user of the machine can reach its ports. So each side must show a certificate, which is
    made for this run and kept in memory; what the workers put on disk is for this user alone.
    """
    from dask.config import set as dask_config_set
    from distributed import LocalCluster, Security

    with (
        tempfile.TemporaryDirectory(prefix="instance-images-") as directory,
        dask_config_set(_WITHOUT_NOISE),
        LocalCluster(
            n_workers=workers_count,
            threads_per_worker=1,
            host="127.0.0.1",
            protocol="tls://",
            security=Security.temporary(),
            local_directory=directory,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        yield cluster
