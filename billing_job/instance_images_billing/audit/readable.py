"""Finds values in the ledger's rows that nothing can be computed with. Reads only.

The database itself compares each value with what its column can hold, so that no value has to be
converted first: a rate with an unknown unit, an instant outside the calendar, or on SQLite, which
stores any type in any column, a text in place of a number.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from instance_images.db.exact import ExactInteger
from instance_images.db.tables import Instant, accounts, images, news
from instance_images.model.image_events import Event, Source
from instance_images.model.records import ImageStatus
from instance_images.names import printable
from instance_images_billing.ledger.postings import account_keys
from instance_images_billing.ledger.tables import (
    METADATA,
    adjustments,
    closed_periods,
    closings,
    history,
    minimum_charges,
    rates,
    watermarks,
)
from instance_images_billing.pricing.charged import MINIMUM_RULES
from instance_images_billing.pricing.corrections import HAND, LATE, MINIMUM
from instance_images_billing.pricing.reasons import MINIMUM_CORRECTED, WAIVER_ENDED
from instance_images_billing.pricing.units import UNIT_BYTES

LOG = logging.getLogger(__name__)
# Seconds since 1970: images and hours are of the years 1970 to 2999. Rates may be older.
_FIRST, _LAST = 0, 32_503_680_000
_FIRST_OF_RATES = -62_135_596_800
_ROWS_NAMED = 20  # of each table
_EVENTS = tuple(Event)
# An upgrade of the schema wrote history of its own, and said so.
_SOURCES = (*Source, "upgrade")
_WORDS: Mapping[sa.Column[Any], Sequence[object]] = {
    rates.c.unit: tuple(UNIT_BYTES),
    rates.c.hours_per_month: ("730", "720", "672", "calendar"),
    rates.c.partial_hour: ("prorate", "round_up"),
    history.c.event: _EVENTS,
    history.c.source: _SOURCES,
    news.c.event: _EVENTS,
    news.c.source: tuple(Source),
    images.c.status: tuple(ImageStatus),
    adjustments.c.kind: (LATE, HAND, MINIMUM),
    adjustments.c.reason_code: (*_EVENTS, WAIVER_ENDED, MINIMUM_CORRECTED),
    closed_periods.c.minimum_rule: MINIMUM_RULES,
}
_FULL_HOURS = (rates.c.from_hour, watermarks.c.hour, closings.c.hour, adjustments.c.counted_at)
_MONTHS = (closed_periods.c.name, minimum_charges.c.period)
_NOT_NEGATIVE = ("size_bytes", "price_nanos", "free_bytes", "minimum_nanos")


def findings_of(name: str, check: Callable[[], list[str]]) -> list[str]:
    """Return what the check finds; a finding too where it fails at values that no check expects.

    A check of a database that somebody changed has to tell, whatever was put there.
    """
    try:
        return check()
    except (ArithmeticError, AssertionError, LookupError, OSError, TypeError, ValueError) as error:
        LOG.warning("Could not check %s", name, exc_info=True)
        return [
            f"{name}: a value in the database cannot be computed with ({type(error).__name__}; the"
            " log has the traceback)"
        ]


def unreadable_rows(connection: sa.Connection, location: str) -> list[str]:
    """Return the location's rows with such values, one sentence for each row."""
    own = account_keys(location)
    findings: list[str] = []
    for table in (accounts, images, news, *METADATA.sorted_tables):
        if "location" in table.c:
            findings += _unreadable(connection, table, table.c.location == location, location)
        elif "account_key" in table.c:
            findings += _unreadable(connection, table, table.c.account_key.in_(own), location)
    return findings


def unreadable_periods(connection: sa.Connection) -> list[str]:
    """Return the closed periods with such values, one sentence for each row."""
    return _unreadable(connection, closed_periods, sa.true(), "")


def unreadable_everywhere(connection: sa.Connection) -> list[str]:
    """Return the rows of all locations and the closed periods with such values."""
    names = connection.execute(sa.select(accounts.c.location).distinct()).scalars().all()
    rows = [one for name in sorted(names) for one in unreadable_rows(connection, name)]
    return rows + unreadable_periods(connection)


def _unreadable(
    connection: sa.Connection, table: sa.Table, own: sa.ColumnElement[bool], location: str
) -> list[str]:
    is_sqlite = connection.dialect.name == "sqlite"
    faults = {
        column: sa.and_(_plain(column).is_not(None), sa.or_(*conditions))
        for column in table.c
        if (conditions := list(_faults(column, is_sqlite)))
    }
    if not faults:
        return []
    keys = list(table.primary_key.columns)
    query = (
        sa.select(
            *(_plain(key).label(f"key_{key.name}") for key in keys),
            *(_plain(column).label(f"value_{column.name}") for column in faults),
            *(fault.label(f"fault_{column.name}") for column, fault in faults.items()),
        )
        .where(own, sa.or_(*faults.values()))
        .limit(_ROWS_NAMED)
    )
    findings = []
    for row in connection.execute(query).mappings():
        place = ", ".join(f"{key.name} {_shown(row[f'key_{key.name}'])}" for key in keys)
        wrong = ", ".join(
            f"{column.name} is {_shown(row[f'value_{column.name}'])}"
            for column in faults
            if row[f"fault_{column.name}"]
        )
        start = f"{location}, " if location else ""
        findings.append(f"{start}table {table.name}, row {place}: {wrong}, which cannot be read")
    return findings


def _faults(column: sa.Column[Any], is_sqlite: bool) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the conditions under which a value of the column cannot be read."""
    value, kind = _plain(column), column.type
    stored = sa.func.typeof(value)
    if isinstance(kind, ExactInteger):
        if is_sqlite:
            digits = sa.case(
                (sa.func.substr(value, 1, 1) == "-", sa.func.substr(value, 2)), else_=value
            )
            yield sa.or_(
                stored != "text", digits == "", digits.op("GLOB", is_comparison=True)("*[^0-9]*")
            )
        return
    if isinstance(kind, sa.Boolean):
        if is_sqlite:
            yield value.not_in((0, 1))
    elif isinstance(kind, Instant):
        if is_sqlite:
            yield stored != "integer"
        first = _FIRST_OF_RATES if column is rates.c.from_hour else _FIRST
        yield sa.or_(value < first, value >= _LAST)
        if any(column is one for one in _FULL_HOURS):
            yield value % 3600 != 0
    elif isinstance(kind, sa.Integer):
        if is_sqlite:
            yield stored != "integer"
        if column.name in _NOT_NEGATIVE:
            yield value < 0
    elif is_sqlite:
        yield stored != "text"
    if column in _WORDS:
        yield value.not_in(_WORDS[column])
    if column is rates.c.currency:
        yield _is_unlike(value, "[A-Z]", "[A-Z]", "[A-Z]", is_sqlite=is_sqlite)
    if any(column is one for one in _MONTHS):
        digit = "[0-9]"
        yield _is_unlike(value, "2", digit, digit, digit, "-", "[01]", digit, is_sqlite=is_sqlite)
        yield sa.func.substr(value, 6, 2).not_in([f"{month:02}" for month in range(1, 13)])


def _is_unlike(
    value: sa.ColumnElement[Any], *characters: str, is_sqlite: bool
) -> sa.ColumnElement[bool]:
    """Return whether the text has other characters; SQLite itself has no regular expressions."""
    pattern = "".join(characters)
    if is_sqlite:
        like: sa.ColumnElement[bool] = value.op("GLOB", is_comparison=True)(pattern)
        return sa.not_(like)
    return ~value.regexp_match(f"^{pattern}$")


def _plain(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return the column with what is stored, converted by nothing."""
    return sa.type_coerce(column, sa.types.NullType())


def _shown(value: object) -> str:
    return printable(repr(value))[:80]
