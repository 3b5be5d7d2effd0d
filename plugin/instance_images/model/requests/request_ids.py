"""The request id of a command, run or request: one for all that it does.

The log has it on each line, tasks are recorded with it, and the driver sends it to the services as
the global request id.
"""

import uuid
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def begin(request_id: str | None = None) -> str:
    """Use this request id in this thread, or a new one such as req-5c0b...; return it."""
    begun = request_id or f"req-{uuid.uuid4()}"
    _current.set(begun)
    return begun


def current() -> str | None:
    """Return the request id, None where none has begun."""
    return _current.get()
