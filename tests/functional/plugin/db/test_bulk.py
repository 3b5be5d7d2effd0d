"""Many rows at once are the rows that single statements write and find, on every database."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from instance_images.db.bulk import insert_rows, is_one_of
from instance_images.db.engine import Database
from instance_images.db.tables import accounts, readings

ODD = ["plain", 'a"b', "a\\b", "a,b", "{}", "NULL", "tab\there", "new\nline", "é", "", '","']
NAMES = ("location", "account_id", "account_name", "domain_name", "scope")


def rows_of(database: Database) -> list[tuple[object, ...]]:
    query = sa.select(*(accounts.c[name] for name in NAMES)).order_by(accounts.c.account_key)
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_rows_are_stored_as_given_with_the_defaults_of_the_other_columns(
    database: Database,
) -> None:
    rows = [("here", f"id-{n}", text, None, "project") for n, text in enumerate(ODD)]

    with database.writing() as connection:
        insert_rows(connection, accounts, NAMES, rows)

    assert rows_of(database) == rows
    with database.reading() as connection:
        assert set(connection.execute(sa.select(accounts.c.lock_version)).scalars()) == {0}


def test_values_are_converted_by_their_columns(database: Database) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)

    with database.writing() as connection:
        insert_rows(connection, readings, ("location", "read_at"), [("here", at)])
        insert_rows(connection, accounts, NAMES, [("here", "a", "zero\0", None, "project")])

    with database.reading() as connection:
        assert connection.execute(sa.select(readings.c.read_at)).scalars().all() == [at]
        assert connection.execute(sa.select(accounts.c.account_name)).scalars().all() == ["zero"]


def test_no_row_is_no_statement(database: Database) -> None:
    with database.writing() as connection:
        insert_rows(connection, accounts, NAMES, [])

    assert rows_of(database) == []


def test_a_row_that_is_there_already_is_an_integrity_error_that_a_savepoint_survives(
    database: Database,
) -> None:
    row = ("here", "a", "name", None, "project")

    with database.writing() as connection:
        insert_rows(connection, accounts, NAMES, [row])
        with pytest.raises(IntegrityError), connection.begin_nested():
            insert_rows(connection, accounts, NAMES, [("here", "b", "", None, "project"), row])

    assert rows_of(database) == [row]


@pytest.mark.parametrize("wanted", [[one] for one in ODD] + [ODD, [], ["plain", "x" * 70]])
def test_exactly_the_values_are_found(database: Database, wanted: list[str]) -> None:
    others = ["x" * 64, "a", "b", "null"]
    with database.writing() as connection:
        rows = [("here", text, "", None, "project") for text in [*ODD, *others]]
        insert_rows(connection, accounts, NAMES, rows)
        query = sa.select(accounts.c.account_id)
        which = is_one_of(connection, accounts.c.account_id, wanted)
        found = connection.execute(query.where(which)).scalars().all()

    assert sorted(found) == sorted(set(wanted) & set(ODD))
