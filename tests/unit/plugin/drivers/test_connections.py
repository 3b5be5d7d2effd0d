"""A process keeps the connections that it used last, and closes all others."""

import threading
from concurrent.futures import ThreadPoolExecutor

from instance_images.drivers.openstack.api.connections import MOST_CONNECTIONS, Connections


class Line:
    """A connection that tells whether it was closed."""

    opened: list["Line"]

    def __init__(self, project_id: str) -> None:
        self.project_id = project_id
        self.is_closed = False

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


class Exchange(Connections[Line]):
    """Connections that are counted."""

    def __init__(self, most: int) -> None:
        self.lines: list[Line] = []
        super().__init__(self.open, most)

    def open(self, project_id: str) -> Line:
        self.lines.append(Line(project_id))
        return self.lines[-1]

    def left(self) -> list[str]:
        return sorted(line.project_id for line in self.lines if not line.is_closed)


def test_those_that_were_used_last_are_kept_and_the_others_closed() -> None:
    exchange = Exchange(3)

    for project_id in "abcaded":
        exchange.of(project_id)

    assert exchange.left() == ["a", "d", "e"]
    assert len(exchange.lines) == 5


def test_a_connection_that_is_no_good_is_closed_and_made_anew() -> None:
    exchange = Exchange(3)
    first = exchange.of("a")

    exchange.drop("a")
    exchange.drop("unknown")

    assert first.is_closed
    assert exchange.of("a") is not first


def test_many_threads_share_one_connection_for_each_project() -> None:
    exchange = Exchange(20)
    start = threading.Barrier(16)

    def use(number: int) -> None:
        start.wait()
        for step in range(400):
            project_id = str((number + step) % 25)
            assert exchange.of(project_id).project_id == project_id

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(use, range(16)))

    left = exchange.left()
    assert len(left) == len(set(left)) == 20


def test_a_process_keeps_two_hundred() -> None:
    assert MOST_CONNECTIONS == 200
