"""Rows of accounts: an account at a location, its own limit, and the lock that guards its slots.

The lock is a write: every reservation of a slot first changes the account's row. A row lock alone
works on one server only. Nodes of a Galera cluster compare the written rows at commit: of two
transactions that changed the same row, one is aborted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from instance_images.db.bulk import insert_rows, is_one_of
from instance_images.db.connections.fixed_queries import Asking, FixedQuery, fetch
from instance_images.db.images import written
from instance_images.db.tables import accounts, default_limits, images
from instance_images.model.records import (
    HOLDING,
    Account,
    AccountScope,
    ImageStatus,
    Limit,
)

_IDS_PER_QUERY = 500
_DEFAULT_LIMIT = FixedQuery(
    sa.select(default_limits.c.max_images).where(
        default_limits.c.location == sa.bindparam("location")
    )
)
_INSERTED = ("location", "account_id", "account_name", "domain_name", "scope")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account at a location, with the limit of its own if it has one.

    ``domain_name`` is None until it is known.
    """

    account_key: int
    location: str
    account_id: str
    account_name: str
    max_images: int | None
    domain_name: str | None


def find_account(connection: sa.Connection, location: str, account_id: str) -> AccountRow | None:
    """Return the account's row at the location, or None if there is none yet."""
    return _one(connection, _rows().where(_is(location, account_id)))


def find_account_and_held(
    connection: Asking, location: str, account_id: str
) -> tuple[AccountRow | None, int, int | None]:
    """Return the same, how many images count against the limit, and the default that was set."""
    values = {"location": location, "account_id": account_id}
    found = fetch(connection, _account_and_held_query(), values)
    if not found:
        return None, 0, find_default_limit(connection, location)
    return _account(found[0]), found[0].held, found[0].default_limit


@cache
def _account_and_held_query() -> FixedQuery:
    holding = [written(status) for status in HOLDING]
    held = sa.select(sa.func.count()).where(
        images.c.account_key == accounts.c.account_key, images.c.status.in_(holding)
    )
    default = sa.select(default_limits.c.max_images).where(
        default_limits.c.location == accounts.c.location
    )
    query = sa.select(
        accounts,
        held.scalar_subquery().label("held"),
        default.scalar_subquery().label("default_limit"),
    )
    return FixedQuery(
        query.where(
            accounts.c.location == sa.bindparam("location"),
            accounts.c.account_id == sa.bindparam("account_id"),
        )
    )


def lock_account(connection: sa.Connection, location: str, account: Account) -> AccountRow:
    """Return the account's row, created if it is missing, and locked until the transaction ends.

    A reservation holds this lock from counting to inserting. Call it in ``write``, which repeats a
    transaction that was aborted for another one.
    """
    if not _lock(connection, location, account.id):
        _insert(connection, location, account)
        is_locked = _lock(connection, location, account.id)
        assert is_locked
    found = find_account(connection, location, account.id)
    assert found is not None
    _keep_names(connection, found, account)
    return found


def lock_accounts(
    connection: sa.Connection, location: str, owners: Iterable[Account]
) -> dict[str, int]:
    """Return the accounts' keys by id, with their rows created where missing, and locked.

    Those that are missing are inserted at once, and so nobody else can lock them.
    """
    by_id = {owner.id: owner for owner in owners}
    known = _keys_by_id(connection, location, sorted(by_id))
    missing = [by_id[one] for one in sorted(by_id.keys() - known.keys())]
    if missing:
        rows = [(location, one.id, one.name, one.domain_name, one.scope) for one in missing]
        try:
            with connection.begin_nested():
                insert_rows(connection, accounts, _INSERTED, rows)
        except exc.IntegrityError:
            missing = []  # another process inserted one of them: insert and lock one by one
    inserted = {one.id for one in missing}
    # In one order, so that two runs do not lock crosswise.
    for account_id in sorted(by_id.keys() - inserted):
        lock_account(connection, location, by_id[account_id])
    return _keys_by_id(connection, location, sorted(by_id))


def _keys_by_id(
    connection: sa.Connection, location: str, account_ids: Sequence[str]
) -> dict[str, int]:
    found: dict[str, int] = {}
    for first in range(0, len(account_ids), _IDS_PER_QUERY):
        ids = account_ids[first : first + _IDS_PER_QUERY]
        some = is_one_of(connection, accounts.c.account_id, ids)
        query = sa.select(accounts.c.account_id, accounts.c.account_key)
        rows = connection.execute(query.where(accounts.c.location == location, some))
        found.update(rows.all())
    return found


def _lock(connection: sa.Connection, location: str, account_id: str) -> bool:
    """Change the account's row; return False if there is none."""
    result = connection.execute(
        sa.update(accounts)
        .where(_is(location, account_id))
        .values(lock_version=accounts.c.lock_version + 1)
    )
    return result.rowcount == 1


def _keep_names(connection: sa.Connection, row: AccountRow, account: Account) -> None:
    """Record the current names of the account; an id in place of a name is ignored."""
    values: dict[str, str] = {}
    if account.name not in (row.account_name, account.id):
        values["account_name"] = account.name
    if account.domain_name not in (row.domain_name, None):
        values["domain_name"] = account.domain_name or ""
    if values:
        connection.execute(
            sa.update(accounts).where(accounts.c.account_key == row.account_key).values(values)
        )


def own_limits(connection: sa.Connection, locations: Sequence[str]) -> list[Limit]:
    """Return the limits of individual accounts, by location as given, then by account id.

    One query for all: it counts the images that each of these accounts holds.
    """
    held = sa.func.count(images.c.image_id)
    holding = sa.and_(images.c.account_key == accounts.c.account_key, images.c.status.in_(HOLDING))
    query = (
        sa.select(accounts, held.label("held"))
        .join_from(accounts, images, holding, isouter=True)
        .where(accounts.c.location.in_(locations), accounts.c.max_images.is_not(None))
        .group_by(*accounts.c)
        .order_by(accounts.c.account_id)
    )
    found = [
        Limit(
            account_id=row.account_id,
            account_name=row.account_name,
            location=row.location,
            max_images=row.max_images,
            source="account",
            held=row.held,
        )
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda limit: locations.index(limit.location))


def accounts_by_key(connection: sa.Connection, location: str) -> dict[int, AccountRow]:
    """Return the accounts with rows at the location."""
    query = _rows().where(accounts.c.location == location)
    return {row.account_key: _account(row) for row in connection.execute(query)}


def account_ids(connection: sa.Connection, location: str) -> dict[int, str]:
    """Return the ids of the accounts with rows at the location, by key."""
    query = sa.select(accounts.c.account_key, accounts.c.account_id)
    rows = connection.execute(query.where(accounts.c.location == location))
    return dict(rows.all())


def ids_called(connection: sa.Connection, location: str, reference: str) -> list[str]:
    """Return the ids of the location's accounts with that id or last known name."""
    query = sa.select(accounts.c.account_id, accounts.c.account_name).where(
        accounts.c.location == location,
        sa.or_(accounts.c.account_id == reference, accounts.c.account_name == reference),
    )
    # MariaDB compares letters without case.
    return sorted(row.account_id for row in connection.execute(query) if reference in tuple(row))


def write_names(connection: sa.Connection, changed: Sequence[tuple[int, Account]]) -> None:
    """Record the names of accounts by key, in one statement."""
    if changed:
        connection.execute(
            sa.update(accounts)
            .where(accounts.c.account_key == sa.bindparam("of_key"))
            .values(account_name=sa.bindparam("name"), domain_name=sa.bindparam("domain")),
            [
                {"of_key": key, "name": account.name, "domain": account.domain_name}
                for key, account in changed
            ],
        )


def account_that_has(connection: sa.Connection, location: str, project_id: str) -> Account | None:
    """Return the account for which the project's latest image was recorded."""
    query = (
        sa.select(accounts)
        .join_from(accounts, images)
        .where(accounts.c.location == location, images.c.project_id == project_id)
        .order_by(images.c.created_at.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    scope = AccountScope(row.scope)
    return Account(row.account_id, row.account_name, row.domain_name, scope)


def has_other_scope(connection: sa.Connection, scope: AccountScope) -> bool:
    """Return whether there are accounts of the other account_scope."""
    query = sa.select(accounts.c.account_key).where(accounts.c.scope != scope).limit(1)
    return connection.execute(query).first() is not None


def set_own_limit(connection: sa.Connection, account_key: int, max_images: int | None) -> None:
    """Set the account's own limit; None removes it."""
    connection.execute(
        sa.update(accounts)
        .where(accounts.c.account_key == account_key)
        .values(max_images=max_images)
    )


def find_default_limit(connection: Asking, location: str) -> int | None:
    """Return what the operator has set for accounts without a limit of their own, if he has."""
    found = fetch(connection, _DEFAULT_LIMIT, {"location": location})
    return found[0].max_images if found else None


def set_default_limit(connection: sa.Connection, location: str, max_images: int | None) -> None:
    """Set that; None removes it. Call it in ``write``."""
    connection.execute(sa.delete(default_limits).where(default_limits.c.location == location))
    if max_images is not None:
        values = {"location": location, "max_images": max_images}
        connection.execute(sa.insert(default_limits).values(values))


def count_held(connection: sa.Connection, account_key: int) -> int:
    """Return how many images count against the account's limit."""
    query = sa.select(sa.func.count()).where(
        images.c.account_key == account_key, images.c.status.in_(HOLDING)
    )
    return connection.execute(query).scalar_one()


def stored_bytes(connection: sa.Connection, account_key: int, *, is_virtual: bool) -> int:
    """Return the bytes of the account's available images.

    ``is_virtual``: count the virtual size of the disk if it is larger.
    """
    size: sa.ColumnElement[int] = sa.func.coalesce(images.c.size_bytes, 0)
    if is_virtual:
        inside = images.c.virtual_size_bytes
        size = sa.case((inside > size, inside), else_=size)
    total = sa.func.coalesce(sa.func.sum(size), 0)
    query = sa.select(total).where(
        images.c.account_key == account_key, images.c.status == ImageStatus.AVAILABLE
    )
    return int(connection.execute(query).scalar_one())


def _rows() -> sa.Select[Any]:
    return sa.select(accounts)


def _is(location: str, account_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(accounts.c.location == location, accounts.c.account_id == account_id)


def _one(connection: sa.Connection, query: sa.Select[Any]) -> AccountRow | None:
    row = connection.execute(query).one_or_none()
    return None if row is None else _account(row)


def _account(row: Any) -> AccountRow:
    return AccountRow(
        account_key=row.account_key,
        location=row.location,
        account_id=row.account_id,
        account_name=row.account_name,
        max_images=row.max_images,
        domain_name=row.domain_name,
    )


def _insert(connection: sa.Connection, location: str, account: Account) -> None:
    values = {
        "location": location,
        "account_id": account.id,
        "account_name": account.name,
        "domain_name": account.domain_name,
        "scope": account.scope,
    }
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(accounts).values(values))
    except exc.IntegrityError:
        pass  # another process inserted it at the same moment: use that row
