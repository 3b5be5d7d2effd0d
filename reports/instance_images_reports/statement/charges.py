"""What else an account is charged for: the sections that others add to the report. Pure.

A section's total is the exact sum of its charges, rounded once to the currency's minor unit; its
lines are rounded so that they add up to it, as those of the images are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from instance_images_billing.pricing.money import NANOS_PER_UNIT, round_half_even
from instance_images_reports.statement.rounding import apportion, decimal_of


@dataclass(frozen=True, slots=True)
class Charge:
    """One thing that an account is charged for in the period, as the source of a section gives it.

    ``amount`` is exact, in the currency that was asked for; it is rounded here and nowhere else.
    Below zero it is given back. The other fields are shown as they are, where there are any:
    ``quantity`` in ``unit``, at ``rate`` per unit.
    """

    name: str
    amount: Decimal
    details: str = ""
    location: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeLine:
    """A charge with its rounded amount; ``amount_exact`` has nine decimals."""

    name: str
    details: str
    location: str
    quantity: Decimal | None
    unit: str
    rate: Decimal | None
    amount_exact: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ChargeSection:
    """A section that somebody added, with lines that add up to its total."""

    name: str
    title: str
    total: Decimal
    lines: Sequence[ChargeLine]


def charge_section(
    name: str, title: str, charges: Sequence[Charge], currency_digits: int
) -> ChargeSection:
    """Return the section of these charges, in their order, rounded to the currency's digits."""
    minor = [Fraction(charge.amount) * 10**currency_digits for charge in charges]
    total_minor = round_half_even(sum(minor, Fraction(0)))
    amounts = apportion(minor, total_minor)
    return ChargeSection(
        name,
        title,
        decimal_of(total_minor, currency_digits),
        [
            _line(charge, decimal_of(amount, currency_digits))
            for charge, amount in zip(charges, amounts, strict=True)
        ],
    )


def _line(charge: Charge, amount: Decimal) -> ChargeLine:
    nanos = round_half_even(Fraction(charge.amount) * NANOS_PER_UNIT)
    return ChargeLine(
        name=charge.name,
        details=charge.details,
        location=charge.location,
        quantity=charge.quantity,
        unit=charge.unit,
        rate=charge.rate,
        amount_exact=decimal_of(nanos, 9),
        amount=amount,
    )
