"""How long a connection waits for its database, for those who cannot wait for ever.

A server that is stopped, or behind a network that drops packets, breaks no connection: whoever asks
it waits until somebody gives up. Knows the names of the drivers' own options; libpq has none for
the time of an answer.
"""

import select
import time
from typing import Any

CONNECT_SECONDS = 5
_READ = 1  # psycopg's Wait.R and Ready.R
_WRITE = 2


def with_bounds(driver: str, arguments: dict[str, Any], seconds: int) -> dict[str, Any]:
    """Return the arguments of ``connect`` with bounds; what the database's URL says stays."""
    match driver:
        case "pymysql" | "mysqldb":
            bounds = {
                "connect_timeout": CONNECT_SECONDS,
                "read_timeout": seconds,
                "write_timeout": seconds,
            }
        case "psycopg" | "psycopg2":
            bounds = {"connect_timeout": CONNECT_SECONDS}
        case "pysqlite":
            bounds = {"timeout": seconds}
        case _:
            bounds = {}
    return {**arguments, **bounds}


def bounded_psycopg(seconds: float) -> Any:
    """Return psycopg's class of connections, which give up after so many seconds of an answer."""
    import psycopg

    class Bounded(psycopg.Connection[Any]):
        """A connection that is closed when an answer takes too long."""

        def wait(self, gen: Any, *_arguments: Any, **_options: Any) -> Any:
            """Run one exchange with the server. Raises OperationalError."""
            until = time.monotonic() + seconds
            try:
                wanted = next(gen)
                while True:
                    ready = _ready(self.pgconn.socket, wanted, until - time.monotonic())
                    if not ready:
                        self.pgconn.finish()
                        raise psycopg.OperationalError(f"no answer within {seconds:.0f} s")
                    wanted = gen.send(ready)
            except StopIteration as end:
                return end.value

    return Bounded


def _ready(socket: int, wanted: int, seconds: float) -> int:
    """Wait until the socket can be read or written; return what it can, 0 when time is over."""
    poll = select.poll()
    poll.register(
        socket,
        (select.POLLIN if wanted & _READ else 0) | (select.POLLOUT if wanted & _WRITE else 0),
    )
    ready = 0
    for _, events in poll.poll(max(seconds, 0) * 1000):
        broken = events & ~(select.POLLIN | select.POLLOUT)  # which reading or writing tells
        ready |= wanted if broken else 0
        ready |= (_READ if events & select.POLLIN else 0) | (
            _WRITE if events & select.POLLOUT else 0
        )
    return ready
