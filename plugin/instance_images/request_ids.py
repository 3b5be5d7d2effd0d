"""The request id of a command or run: one for all that it does, in every thread that it starts.

It is kept in the context of oslo.context, where the formatters of oslo.log find it. The driver
sends it to the services as the global request id, and tasks are recorded with it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def begin() -> str:
    """Give this thread a new request id, such as req-5c0b..., and return it."""
    return str(_context().RequestContext(overwrite=True).request_id)


def current() -> str | None:
    """Return the request id of this thread, None where it has none."""
    found = _context().get_current()
    return None if found is None else str(found.request_id)


def carried(work: Callable[[T], R]) -> Callable[[T], R]:
    """Return the work such that it has the request id of this thread in whatever thread it runs."""
    found = _context().get_current()

    def in_context(item: T) -> R:
        if found is not None:
            found.update_store()
        return work(item)

    return in_context


def _context() -> Any:
    from oslo_context import context  # it takes a while to import

    return context
