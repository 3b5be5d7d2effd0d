"""Rows of accounts, on every database."""

import sqlalchemy as sa

from instance_images.db import accounts
from instance_images.db.engine import Database
from instance_images.model.records import Account, Limit


def test_limits_of_all_accounts_are_read_by_one_query(database: Database) -> None:
    with database.writing() as connection:
        for location in ("two", "one"):
            for name in ("b", "a", "without"):
                row = accounts.lock_account(connection, location, Account(f"id-{name}", name))
                if name != "without":
                    accounts.set_own_limit(connection, row.account_key, 3)
    queries: list[str] = []
    sa.event.listen(
        database.engine,
        "before_cursor_execute",
        lambda _c, _k, statement, *_: queries.append(statement),
    )

    with database.reading() as connection:
        queries.clear()
        found = accounts.own_limits(connection, ["two", "one"])

    assert [(limit.location, limit.account_id) for limit in found] == [
        ("two", "id-a"), ("two", "id-b"), ("one", "id-a"), ("one", "id-b"),
    ]  # fmt: skip
    assert found[0] == Limit(
        account_id="id-a", account_name="a", location="two", max_images=3, source="account", held=0
    )
    assert len(queries) == 1
