"""A slot is taken once or not at all, also where the database ends the transaction for it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from instance_images.db import accounts
from instance_images.db.engine import Database
from instance_images.errors import DatabaseUnavailable, LimitReached, TransactionConflict
from instance_images.images.capture import capture
from instance_images.locations.site import Site
from instance_images.model.records import ImageRequest

from support.worlds.ledger_world import LOCATION, World, at

PATIENCE_SECONDS = 30
MARIADB = pytest.param("mariadb", marks=pytest.mark.all)
# SQLite has one writer at a time: no deadlocks, and no server that could end one.
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
on_mariadb = pytest.mark.parametrize("database_url", [MARIADB], indirect=True)
on_servers = pytest.mark.parametrize("database_url", ["postgresql", MARIADB], indirect=True)

# How each server tells of whoever waits for a lock, and ends him.
WAITING = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock'",
    "mysql": "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx"
    " WHERE trx_state = 'LOCK WAIT'",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
NO_NEW_TASKS = "LOCK TABLE tasks IN EXCLUSIVE MODE"
LOCK_ACCOUNT = "SELECT account_key FROM accounts WHERE account_id = 'a' FOR UPDATE"


class Rival(World):
    """A world with one image, of two that are allowed, in which somebody else locks rows."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        location = replace(LOCATION, max_images=2)
        self.site = Site(
            location=location,
            provider=self.cloud,
            database=database,
            clock=self.clock,
            default_max_images=2,
        )
        self.kind = database.url.get_backend_name()
        self.capture("1T10:00", "first")

    def held(self) -> int:
        """Return how many images the account holds, by our record."""
        with self.database.reading() as connection:
            row = accounts.find_account(connection, LOCATION.name, "a")
            assert row is not None
            return accounts.count_held(connection, row.account_key)

    def reserve(self, name: str) -> ImageRequest:
        """Capture an instance, which takes a slot."""
        self.clock.now = at("1T11:00")
        return capture(self.site, self.cloud.account("a"), f"vm-{name}", name)

    def errors(self) -> list[int]:
        """Return a list to which the thread is added of whatever statement fails from now on."""
        failed: list[int] = []

        def note(_context: sa.engine.ExceptionContext) -> None:
            failed.append(threading.get_ident())

        sa.event.listen(self.database.engine, "handle_error", note)
        return failed

    def until_somebody_waits(self) -> int:
        """Return the server's number of whoever waits for a lock, as soon as somebody does."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.database.engine.connect() as connection:
            while time.monotonic() < deadline:
                found = connection.execute(sa.text(WAITING[self.kind])).scalar()
                connection.rollback()
                if found is not None:
                    return int(found)
                time.sleep(0.2)  # MariaDB makes its table anew only if nobody has read it for 0.1 s
        raise TimeoutError("nobody waits for a lock")


@pytest.fixture
def world(database: Database) -> Rival:
    return Rival(database)


@pytest.fixture
def aside() -> Iterator[Callable[[Callable[[], object]], Future[object]]]:
    """Does something in another thread."""
    with ThreadPoolExecutor(1) as executor:
        yield executor.submit


@on_postgresql
def test_reservation_that_a_deadlock_ends_is_made_again_and_takes_one_slot(
    world: Rival, aside: Callable[[Callable[[], object]], Future[object]]
) -> None:
    ended = world.errors()
    with world.database.engine.connect() as connection, connection.begin():
        connection.execute(sa.text(NO_NEW_TASKS))
        reserved = aside(lambda: world.reserve("second"))
        world.until_somebody_waits()
        connection.execute(sa.text(LOCK_ACCOUNT))  # who waits for longer is ended

    reserved.result(PATIENCE_SECONDS)

    assert len(ended) == 1
    assert ended != [threading.get_ident()]
    assert world.held() == len(world.cloud.images) == 2
    with pytest.raises(LimitReached):
        world.reserve("third")


@on_mariadb
def test_reservation_that_waits_for_too_long_is_made_again_and_takes_one_slot(
    world: Rival, aside: Callable[[Callable[[], object]], Future[object]]
) -> None:
    """A reservation locks one row only, so that there it can be in no deadlock."""
    ended = world.errors()
    with world.database.engine.connect() as connection:
        longest = connection.execute(sa.text("SELECT @@GLOBAL.innodb_lock_wait_timeout")).scalar()
        connection.execute(sa.text("SET GLOBAL innodb_lock_wait_timeout = 1"))
        connection.invalidate()  # those who connect from now on wait for so long
    try:
        with world.database.engine.connect() as connection, connection.begin():
            connection.execute(sa.text(LOCK_ACCOUNT))
            reserved = aside(lambda: world.reserve("second"))
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not ended and time.monotonic() < deadline:
                time.sleep(0.05)
    finally:
        with world.database.engine.connect() as connection:
            connection.execute(sa.text(f"SET GLOBAL innodb_lock_wait_timeout = {longest}"))

    reserved.result(PATIENCE_SECONDS)

    assert ended
    assert world.held() == len(world.cloud.images) == 2


@on_servers
def test_reservation_that_the_server_ends_takes_no_slot_and_makes_no_image(
    world: Rival, aside: Callable[[Callable[[], object]], Future[object]]
) -> None:
    with world.database.engine.connect() as connection, connection.begin():
        connection.execute(sa.text(LOCK_ACCOUNT))
        reserved = aside(lambda: world.reserve("second"))
        waiting = world.until_somebody_waits()
        connection.execute(sa.text(KILL[world.kind].format(waiting)))  # as its restart does
        with pytest.raises(DatabaseUnavailable) as told:
            reserved.result(PATIENCE_SECONDS)

    assert not isinstance(told.value, TransactionConflict)
    assert world.held() == len(world.cloud.images) == 1
    world.reserve("second")
    assert world.held() == len(world.cloud.images) == 2
