"""A process that serves requests keeps a few connections of its pool for its shortest queries."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from instance_images.db.connections import fixed_queries
from instance_images.db.connections.fixed_queries import Asking, FixedQuery, fetch
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.errors import DatabaseUnavailable

from support.servers.database_servers import new_database

KEPT, AT_ONCE = 2, 5
PATIENCE_SECONDS = 5.0
SESSION = FixedQuery(sa.select(sa.func.pg_backend_pid().label("id")))
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"


@pytest.fixture
def url(postgresql_server: sa.URL) -> Iterator[str]:
    with new_database(postgresql_server) as url:
        made = Database(url)
        upgrade(made)
        made.engine.dispose()
        yield url


@pytest.fixture
def serving(url: str) -> Iterator[Database]:
    """The database, for a process that serves requests."""
    database = Database(url, answer_seconds=20)
    yield database
    database.engine.dispose()


def session_of(connection: Asking) -> int:
    return int(fetch(connection, SESSION, {})[0].id)


def session(database: Database) -> int:
    """Return the session that answers a fixed query."""
    with database.asking() as connection:
        return session_of(connection)


def checked_out(database: Database) -> int:
    """Return how many connections the pool has lent."""
    pool = database.engine.pool
    assert isinstance(pool, sa.QueuePool)
    return pool.checkedout()


def sessions(database: Database) -> list[int]:
    """Return all sessions of the database."""
    with database.reading() as connection:
        return list(connection.exec_driver_sql(SESSIONS).scalars())


def end_sessions(url: str) -> None:
    """End all sessions of the database, as a restart of the server does."""
    other = Database(url)
    with other.writing() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    other.engine.dispose()


def test_same_session_answers_one_query_after_the_other(serving: Database) -> None:
    first = session(serving)

    with serving.writing() as connection:
        between = connection.execute(SESSION.query).scalar_one()

    assert session(serving) == first
    assert between != first


def test_queries_at_once_have_sessions_of_their_own_and_few_are_kept(serving: Database) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(serving.asking()) for _ in range(AT_ONCE)]
        found = {session_of(connection) for connection in connections}

    assert len(found) == AT_ONCE
    assert checked_out(serving) == KEPT


def test_connection_that_was_given_back_has_transactions(serving: Database) -> None:
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(serving.asking())

    with pytest.raises(RuntimeError), serving.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE undone (number integer)")
        raise RuntimeError

    with serving.reading() as connection:
        assert not sa.inspect(connection).has_table("undone")


def test_kept_connections_that_broke_are_replaced(
    serving: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixed_queries, "FRESH_SECONDS", 0)
    with serving.asking() as one, serving.asking() as two:
        before = {session_of(one), session_of(two)}
    end_sessions(url)

    after = session(serving)

    assert after not in before
    assert checked_out(serving) == 1  # nobody waits for the other one to be found broken


def test_connection_that_broke_a_moment_ago_is_told_once(serving: Database, url: str) -> None:
    before = session(serving)
    end_sessions(url)

    with pytest.raises(DatabaseUnavailable):
        session(serving)

    assert session(serving) != before


def test_nothing_stays_open_when_the_engine_is_disposed_of(serving: Database, url: str) -> None:
    other = Database(url)
    before = session(serving)

    serving.engine.dispose()

    until = time.monotonic() + PATIENCE_SECONDS
    while before in sessions(other) and time.monotonic() < until:
        time.sleep(0.05)
    assert before not in sessions(other)
    other.engine.dispose()


def test_process_that_serves_nobody_keeps_none(url: str) -> None:
    database = Database(url)

    found = session(database)

    with database.writing() as connection:
        assert connection.execute(SESSION.query).scalar_one() == found
    database.engine.dispose()
