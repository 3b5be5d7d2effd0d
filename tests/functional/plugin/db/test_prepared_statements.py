"""A server prepares what it repeats, unless a pooler is between or a table has changed."""

import json
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from instance_images.db.connections.fixed_queries import FixedQuery, fetch
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.errors import TransactionConflict
from instance_images.images.pages import page_of_images
from instance_images.model.requests.paging import Page

from support.servers.database_servers import new_database
from support.worlds.ledger_world import LOCATION, World

REPEATED = 8
STATEMENT: sa.ColumnClause[str] = sa.column("statement", sa.String)
PREPARED = FixedQuery(
    sa.select(sa.func.count().label("number"))
    .select_from(sa.table("pg_prepared_statements"))
    .where(STATEMENT.like("%UNION ALL%"))
)


@pytest.fixture
def database(postgresql_server: sa.URL) -> Iterator[Database]:
    """A database with an image, for a process that serves requests."""
    with new_database(postgresql_server) as url:
        made = Database(url, answer_seconds=20)
        upgrade(made)
        World(made).capture("1T10:00", account="a")
        yield made
        made.engine.dispose()


def read(database: Database) -> list[str]:
    """Read the first page several times; return the names on it."""
    for _ in range(REPEATED):
        page = page_of_images(database, [LOCATION.name], "a", Page())
    return [json.loads(image)["status"] for image in page.items]


def prepared(database: Database) -> int:
    """Return how many statements of pages the session has prepared."""
    with database.asking() as connection:
        return int(fetch(connection, PREPARED, {})[0].number)


def test_repeated_statement_is_prepared_once(database: Database) -> None:
    assert read(database) == ["available"]
    assert prepared(database) == 1


def test_process_that_serves_nobody_prepares_nothing(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))

    assert read(other) == ["available"]
    assert prepared(other) == 0
    other.engine.dispose()


def test_altered_table_is_told_once_and_then_read_anew(database: Database) -> None:
    read(database)
    upgrading = Database(database.url.render_as_string(hide_password=False))
    with upgrading.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE images ALTER COLUMN status TYPE varchar(17)")
    upgrading.engine.dispose()

    with pytest.raises(TransactionConflict, match="schema"):
        read(database)

    assert read(database) == ["available"]
