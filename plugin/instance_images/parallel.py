"""Several requests to the cloud at once, a bounded number of them."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
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
    with ThreadPoolExecutor(at_once) as executor:
        futures = [executor.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            executor.shutdown(cancel_futures=True)
            raise
