"""How long the requests of some work may take, for a caller who waits for its answer.

A driver asks ``seconds_left`` before each request and while it pauses. Threads that are begun with
``parallel`` have the bound of the thread that began them.
"""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Bound:
    """The end of all requests, on the monotonic clock, and the seconds for each of them."""

    until: float
    answer_seconds: float | None


_bound: ContextVar[_Bound | None] = ContextVar("patience", default=None)


@contextlib.contextmanager
def within(seconds: float, answer_seconds: float | None = None) -> Iterator[None]:
    """Have what is asked of a cloud in here end in time: later requests are not sent any more.

    ``answer_seconds``: how long one request may take at most, None for all of the time. What is
    within another bound ends with that one at the latest.
    """
    outer, until = _bound.get(), time.monotonic() + seconds
    if outer is not None:
        until = min(until, outer.until)
        answer_seconds = answer_seconds or outer.answer_seconds
    token = _bound.set(_Bound(until, answer_seconds))
    try:
        yield
    finally:
        _bound.reset(token)


def seconds_left() -> float | None:
    """Return how long the next request may take, 0 or less for not at all; None: as ever."""
    bound = _bound.get()
    if bound is None:
        return None
    left_seconds = bound.until - time.monotonic()
    return left_seconds if bound.answer_seconds is None else min(left_seconds, bound.answer_seconds)


def is_time_over() -> bool:
    """Return whether no request is sent any more."""
    left = seconds_left()
    return left is not None and left <= 0
