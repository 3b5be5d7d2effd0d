"""How long the requests of some work may take in all, for a caller who waits for its answer.

A driver asks ``seconds_left`` before each request and while it pauses. Threads that are begun with
``parallel`` have the bound of the thread that began them.
"""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

_until: ContextVar[float | None] = ContextVar("patience_until", default=None)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Have what is asked of a cloud in here end in time: later requests are not sent any more."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def seconds_left() -> float | None:
    """Return how long the next request may take, 0 or less for not at all; None: as ever."""
    until = _until.get()
    return None if until is None else until - time.monotonic()
