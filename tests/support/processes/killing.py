"""Runs work in a process of its own and kills it, as ``kill -9`` does, at any step.

A step is a request to the cloud that is about to be sent, or has taken effect and its answer is not
yet known; or a transaction that is about to be committed. Between two steps nothing changes.
"""

import os
import signal
import traceback
from collections.abc import Callable

import sqlalchemy as sa


class Killer:
    """Counts steps, and kills its process when the count is reached."""

    def __init__(self, at_step: int) -> None:
        self._left = at_step

    def __call__(self) -> None:
        """Count one step."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, engine: sa.Engine) -> None:
        """Count every transaction of the engine that is about to be committed and has written."""

        def count(connection: sa.Connection) -> None:
            if connection.get_execution_options().get("writes"):
                self()

        sa.event.listen(engine, "commit", count)


def was_killed(work: Callable[[], None]) -> bool:
    """Do the work in another process; return whether it was killed. Its own errors are raised."""
    process_id = os.fork()
    if process_id == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    _, status = os.waitpid(process_id, 0)
    assert status in (0, signal.SIGKILL), f"the work ended with {status}"
    return status == signal.SIGKILL
