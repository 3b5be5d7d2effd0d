"""The statement: all that the Cloud Usage report says of one account and period. Pure values.

Every number of the report is in it, computed once by ``stating``; renderers only print.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from instance_images.errors import NotFound
from instance_images.model.records import Account
from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.reasons import Reason
from instance_images_reports.statement.adjustments import CORRECTION
from instance_images_reports.statement.budget import BudgetUse
from instance_images_reports.statement.charges import ChargeSection


class Ending(StrEnum):
    """Why a line ends where it does.

    ``STORED``: the image was stored when the metered part of the period ended, and will go on
    being charged in the period. ``PERIOD_ENDED``: it was stored when the period ended.
    ``RATE_CHANGED``, ``SIZE_CHANGED``: another line goes on with it. ``OWNER_CHANGED``: another
    account is charged from then on.
    """

    STORED = "stored"
    PERIOD_ENDED = "period_ended"
    DELETED = "deleted"
    RATE_CHANGED = "rate_changed"
    SIZE_CHANGED = "size_changed"
    OWNER_CHANGED = "owner_changed"


class Line(NamedTuple):
    """One image of one size at one rate within the period. A tuple, for there are a million.

    ``billable_until`` is the end of the image, of the rate, of the period or of what is metered,
    whichever comes first; ``ending`` says which. ``hours_per_month`` and ``partial_hour`` are
    terms of the rate. ``unit_hours`` are GB-hours (or GiB-hours), with six decimals.
    ``amount_exact`` has nine decimals, ``amount`` as many as the currency.
    """

    image_id: str
    name: str
    location: str
    source_instance_id: str
    source_instance_name: str
    size_bytes: int
    billable_from: datetime
    billable_until: datetime
    billable_seconds: int
    ending: Ending
    unit: str
    unit_hours: Decimal
    rate: Decimal
    hours_per_month: str
    partial_hour: str
    amount_exact: Decimal
    amount: Decimal

    @property
    def is_open(self) -> bool:
        """Whether the image was still stored when the metered part of the period ended."""
        return self.ending in (Ending.STORED, Ending.PERIOD_ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What is charged or given back beside the lines; ``amount_exact`` has nine decimals.

    ``kind`` is ``correction`` for hours that were closed before something about them became known,
    from ``hour`` to ``until``; ``allowance`` for what is free; ``minimum`` for what is missing to
    the minimum charge. The last two are about no image: ``image_id`` and ``name`` are empty; their
    ``threshold`` is the units that are free, or the minimum charge. ``entry`` is the number of the
    first row of a decision by hand, ``reverses`` that of the decision that it takes back. ``cause``
    says what ``reason`` says, None where somebody decided.
    """

    image_id: str
    hour: datetime
    reason: str
    amount: Decimal
    kind: str = CORRECTION
    location: str = ""
    until: datetime | None = None
    amount_exact: Decimal = Decimal(0)
    name: str = ""
    threshold: Decimal | None = None
    unit: str = ""
    entry: int | None = None
    reverses: int | None = None
    cause: Reason | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: the mean of what was stored in its metered part, and what it cost.

    That is at the full rate, before what is free is taken off: days add up to the lines.
    """

    day: date
    stored_units: Decimal
    amount_exact: Decimal


@dataclass(frozen=True, slots=True)
class Subtotal:
    """The lines and adjustments of one location, added up; subtotals add up to the section."""

    location: str
    images_count: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What part of the lines an image has, adjustments left out; or several images together.

    ``percent`` has one decimal; all shares of a section make up 100.0. Where ``images_count`` is
    not 1, these are the images that are not shown alone, and the other texts are empty.
    """

    image_id: str
    name: str
    location: str
    images_count: int
    amount: Decimal
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Previous:
    """What the account was charged in the period before, in the currency of the statement."""

    period: Period
    charged_nanos: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The total of the period before, and by how much this one's is more.

    ``percent`` has one decimal; it is None where the period before came to nothing or less.
    """

    period: Period
    total: Decimal
    difference: Decimal
    percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the whole period will have cost if all that is stored now stays as it is.

    ``total`` is what is ``charged`` so far and what is ``expected``: the images that are still
    stored until the end of the period, at the rates that are known, less what is free, and what
    is missing to the minimum charge then. ``images_count`` is how many images are still stored
    where the currency is charged in what is left of the period, ``others_count`` how many others.
    """

    total: Decimal
    charged: Decimal
    expected: Decimal
    images_count: int
    others_count: int = 0


@dataclass(frozen=True, slots=True)
class LocationPart:
    """The lines and adjustments of one location, with what they add up to."""

    subtotal: Subtotal
    lines: Sequence[Line]
    adjustments: Sequence[Adjustment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the report, with lines and adjustments that add up to its total.

    ``comparison`` is None where nothing was charged in the period before, ``forecast`` where
    nothing can be added by metering any more.
    """

    name: str
    title: str
    total: Decimal
    lines: Sequence[Line]
    adjustments: Sequence[Adjustment]
    days: Sequence[Day]
    unit: str
    subtotals: Sequence[Subtotal] = ()
    shares: Sequence[Share] = ()
    comparison: Comparison | None = None
    forecast: Forecast | None = None

    @property
    def by_location(self) -> Sequence[LocationPart]:
        """The section cut into its locations, in the order of the subtotals.

        In each the image that costs most is the first; images of one charge are sorted by name. The
        lines of an image stay together, in the order of time.
        """
        lines: dict[str, list[Line]] = {}
        for line in _by_charge(self.lines):
            lines.setdefault(line.location, []).append(line)
        adjustments: dict[str, list[Adjustment]] = {}
        for one in self.adjustments:
            adjustments.setdefault(one.location, []).append(one)
        return [
            LocationPart(one, lines.get(one.location, []), adjustments.get(one.location, []))
            for one in self.subtotals
        ]

    @property
    def stored_count(self) -> int:
        """How many images were still stored when the metered part of the period ended."""
        return len({line.image_id for line in self.lines if line.is_open})

    @property
    def deleted_count(self) -> int:
        """How many images were deleted in the period."""
        return len({line.image_id for line in self.lines if line.ending is Ending.DELETED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The Cloud Usage report of one account, period and currency.

    ``metered_until`` is the instant up to which all locations are metered, the end of the period
    at the latest; None where a location is not metered at all.
    ``period_state`` is ``open`` or ``closed``; ``closed_at`` is None while it is open. ``added``
    are the sections that others add; their totals are part of the ``total``. ``budget`` is None
    where the account has none in the currency.
    """

    account: Account
    period: Period
    timezone: str
    period_state: str
    currency: str
    metered_until: datetime | None
    total: Decimal
    sections: Sequence[Section]
    added: Sequence[ChargeSection] = ()
    closed_at: datetime | None = None
    budget: BudgetUse | None = None


def _by_charge(lines: Sequence[Line]) -> list[Line]:
    """Return the lines by what their images cost at their locations, and by name."""
    charges: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        key = (line.location, line.image_id)
        charges[key] = charges.get(key, Decimal(0)) + line.amount
    return sorted(
        lines,
        key=lambda line: (
            -charges[line.location, line.image_id],
            line.name.casefold(),
            line.image_id,
            line.billable_from,
        ),
    )


def only_section(statement: Statement, name: str) -> Statement:
    """Return the statement with one of its sections alone. Raises NotFound."""
    sections = [section for section in statement.sections if section.name == name]
    added = [section for section in statement.added if section.name == name]
    if not sections and not added:
        known = [one.name for one in statement.sections] + [one.name for one in statement.added]
        raise NotFound("Section", name, f"The report has: {', '.join(known)}.")
    total = sections[0].total if sections else added[0].total
    return replace(statement, sections=sections, added=added, total=total)
