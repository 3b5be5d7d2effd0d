"""Sections that others add to the report, by entry points in ``instance_images.report_sections``.

The name of an entry point is that of its section; what it points to is a SectionSource. A source
that fails ends the report: one that leaves a section out would be wrong in its total.
"""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.config.redaction import redact
from instance_images.errors import ConfigurationError, InstanceImagesError
from instance_images.model.records import Account
from instance_images.names import printable
from instance_images_billing.pricing.periods import Period
from instance_images_reports.statement.charges import Charge, ChargeSection, charge_section
from instance_images_reports.statement.statement import Statement

GROUP = "instance_images.report_sections"


@dataclass(frozen=True, slots=True)
class SectionRequest:
    """What a section is asked for: one account's charges of one period in one currency.

    ``connection`` reads our own database in the transaction that the whole report is read in; it
    is not to be written to.
    """

    connection: sa.Connection
    account: Account
    period: Period
    timezone: ZoneInfo
    currency: str


@dataclass(frozen=True, slots=True)
class SectionContent:
    """What a source answers: the title of its section, in its own words, and the charges."""

    title: str
    charges: Sequence[Charge]


SectionSource = Callable[[SectionRequest], SectionContent | None]
"""Returns the charges, or None where the account has nothing to do with the section."""


def has_added_sections() -> bool:
    """Return whether any section is installed: one may charge accounts that have no images."""
    return bool(_installed())


def _installed() -> Sequence[EntryPoint]:
    return _installed_below(tuple(sys.path))


@lru_cache(maxsize=1)
def _installed_below(search_path: Sequence[str]) -> Sequence[EntryPoint]:
    """Return the entry points, sorted by name: to look for them reads every package's files."""
    return sorted(entry_points(group=GROUP), key=lambda entry_point: entry_point.name)


def with_added_sections(connection: sa.Connection, statement: Statement) -> Statement:
    """Return the statement with the sections that are installed, and with what they add to it.

    Raises ConfigurationError where a source is not usable, and what a source raises of ours; both
    name the account.
    """
    request = SectionRequest(
        connection,
        statement.account,
        statement.period,
        ZoneInfo(statement.timezone),
        statement.currency,
    )
    added = [_section(one, request, statement.total) for one in _installed()]
    sections = [section for section in added if section is not None]
    if not sections:
        return statement
    total = sum((section.total for section in sections), statement.total)
    return replace(statement, added=sections, total=total)


def _section(found: EntryPoint, request: SectionRequest, total: Decimal) -> ChargeSection | None:
    if not re.fullmatch("[a-z][a-z0-9-]*", found.name) or found.name == "images":
        raise ConfigurationError(
            f"Section {found.name} ({found.value}) has an invalid name: an entry point needs"
            " lower-case letters, digits and hyphens, and is not named images."
        )
    try:
        source: SectionSource = found.load()
        content = source(request)
        if content is None:
            return None
        _require_exact(content.charges)
    except InstanceImagesError as error:
        _name_account(error, request.account)
        raise
    except Exception as error:
        raise ConfigurationError(
            f"Section {found.name} ({found.value}) failed for account"
            f" {printable(request.account.id)}:"
            f" {redact(f'{type(error).__name__}: {error}')}. No report is made without it: fix or"
            " uninstall it."
        ) from error
    digits = -total.as_tuple().exponent  # type: ignore[operator]  # amounts are finite
    return charge_section(found.name, content.title, content.charges, digits)


def _name_account(error: InstanceImagesError, account: Account) -> None:
    """Make the message begin with the account: of ten thousand, one may be the cause."""
    error.args = (f"account {printable(account.id)}: {error}", *error.args[1:])


def _require_exact(charges: Sequence[Charge]) -> None:
    for charge in charges:
        if not isinstance(charge.amount, Decimal) or not charge.amount.is_finite():
            raise TypeError(f"the amount {charge.amount!r} is no exact Decimal")
