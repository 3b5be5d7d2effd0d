"""The connections of a process to a cloud, one for each project, and not too many of them.

A provider has thousands of projects, and a service that runs for weeks comes by all of them. Each
connection holds sockets and a token.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar

MOST_CONNECTIONS = 200


class Closable(Protocol):
    """What holds sockets. It can be used after it was closed, and then opens others."""

    def close(self) -> None:
        """Close the sockets that nobody uses now."""


Kept = TypeVar("Kept", bound=Closable)


class Connections(Generic[Kept]):
    """The connections that were used last, by project. Methods may be called from any thread."""

    def __init__(self, connect: Callable[[str], Kept], most: int = MOST_CONNECTIONS) -> None:
        self._connect, self._most = connect, most
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = Lock()

    def of(self, project_id: str) -> Kept:
        """Return the project's connection; connect where there is none, and drop the oldest."""
        with self._lock:
            found = self._kept.get(project_id)
            if found is not None:
                self._kept.move_to_end(project_id)
                return found
        made = self._connect(project_id)  # which takes a while, and holds up no other project
        dropped: list[Kept] = []
        with self._lock:
            kept = self._kept.setdefault(project_id, made)
            self._kept.move_to_end(project_id)
            if kept is not made:
                dropped.append(made)  # another thread was faster
            while len(self._kept) > self._most:
                dropped.append(self._kept.popitem(last=False)[1])
        for one in dropped:
            one.close()
        return kept

    def drop(self, project_id: str) -> None:
        """Forget the project's connection: its token is not good any more."""
        with self._lock:
            dropped = self._kept.pop(project_id, None)
        if dropped is not None:
            dropped.close()
