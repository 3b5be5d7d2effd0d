"""How long whoever sends a request still waits for what is done before its answer.

The front end's thread has the limit, and threads that it starts with ``parallel`` have it too. A
driver takes what remains as the timeout of its requests. Where there is none, nobody is waiting.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Limit what is done within; a limit that is there already and ends earlier stays."""
    ends_at = time.monotonic() + seconds
    known = _ends_at.get()
    token = _ends_at.set(ends_at if known is None else min(known, ends_at))
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining_seconds() -> float | None:
    """Return how many seconds remain, 0 where the time is over, None where there is no limit."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(0.0, ends_at - time.monotonic())
