"""Several requests to the cloud, or several locations, at once, a bounded number of them."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

REQUESTS_AT_ONCE = 8

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(
    work: Callable[[T], R], items: Iterable[T], at_once: int = REQUESTS_AT_ONCE
) -> list[R]:
    """Return what ``work`` returns for each item, in their order; raise its first error.

    Whatever has not begun when an error is raised is not begun any more.
    """
    return list(as_they_end(work, items, at_once))


def carried(work: Callable[[T], R]) -> Callable[[T], R]:
    """Return the work such that it has the context variables of this thread in any thread."""
    context = copy_context()

    def in_context(item: T) -> R:
        return context.copy().run(work, item)  # a context serves one thread at a time

    return in_context


def as_they_end(
    work: Callable[[T], R], items: Iterable[T], at_once: int = REQUESTS_AT_ONCE
) -> Iterator[R]:
    """Yield what ``work`` returns for each item, as soon as that and all before it are there.

    Begins at the first look. What has begun when an error is raised is waited for, but not by
    somebody who interrupts the command.
    """
    executor = ThreadPoolExecutor(at_once)
    in_context = carried(work)
    futures = [executor.submit(in_context, item) for item in items]
    try:
        for future in futures:
            yield future.result()
    except BaseException as error:
        executor.shutdown(wait=isinstance(error, Exception), cancel_futures=True)
        raise
    executor.shutdown()
