"""A database that is down or hangs is told in time to those who cannot wait, and is used again."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from instance_images.db.connections import bounded_waits
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.errors import DatabaseUnavailable
from instance_images.images.pages import page_of_images
from instance_images.model.requests.paging import Page

from support.servers.database_servers import new_database
from support.servers.tcp_relay import TcpRelay, running_tcp_relay
from support.worlds.ledger_world import LOCATION, World, reserve

SECONDS = 2
# An answer and a connection.
LONGEST_SECONDS = 2 * SECONDS + 2


@dataclass(frozen=True)
class Frail:
    """A database beyond a relay, as a process that serves requests uses it."""

    database: Database
    relay: TcpRelay

    def read(self) -> list[str]:
        """Return what is on the first page."""
        page = page_of_images(self.database, [LOCATION.name], "a", Page())
        return [json.loads(image)["status"] for image in page.items]


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=pytest.mark.all)])
def frail(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Frail]:
    server: sa.URL = request.getfixturevalue(f"{request.param}_server")
    monkeypatch.setattr(bounded_waits, "CONNECT_SECONDS", SECONDS)
    with new_database(server) as url:
        made = Database(url)
        upgrade(made)
        World(made).capture("1T10:00", account="a")
        made.engine.dispose()
        socket = server.query.get("host")
        where = (str(server.host), int(server.port or 0))
        with running_tcp_relay(f"{socket}/.s.PGSQL.5432" if socket else where) as relay:
            beyond = sa.make_url(url).set(host="127.0.0.1", port=relay.port, query={})
            text = beyond.render_as_string(hide_password=False)
            database = Database(text, answer_seconds=SECONDS)
            yield Frail(database, relay)
            relay.heal()
            database.engine.dispose()


@pytest.mark.parametrize("state", ["down", "hanging"])
@pytest.mark.parametrize("is_connected", [True, False])
def test_database_that_fails_is_told_in_time_and_used_again(
    frail: Frail, state: str, is_connected: bool
) -> None:
    if is_connected:
        assert frail.read() == ["available"]
    if state == "down":
        frail.relay.break_off()
    else:
        frail.relay.is_silent = True

    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        frail.read()
    with pytest.raises(DatabaseUnavailable):
        reserve(World(frail.database), "a", "image-2", 5)
    seconds = time.monotonic() - began
    frail.relay.heal()

    assert seconds < 2 * LONGEST_SECONDS
    assert frail.read() == ["available"]  # nothing was recorded
