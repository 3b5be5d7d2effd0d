"""How much of an account's monthly budget a statement uses. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from instance_images_billing.pricing.money import round_half_even
from instance_images_reports.statement.rounding import decimal_of


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """A monthly budget, and the parts of it that the ledger's charges and their forecast take.

    Percents have one decimal. ``forecast`` and its percent are None where nothing can be added by
    metering any more.
    """

    amount: Decimal
    charged: Decimal
    percent: Decimal
    forecast: Decimal | None
    forecast_percent: Decimal | None


def budget_use(amount: Decimal, charged: Decimal, forecast: Decimal | None) -> BudgetUse:
    """Return the use of a budget, which is more than 0; amounts have the currency's decimals."""
    return BudgetUse(
        amount=amount,
        charged=charged,
        percent=percent_of(charged, amount),
        forecast=forecast,
        forecast_percent=None if forecast is None else percent_of(forecast, amount),
    )


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """Return the part in percent with one decimal, rounded half to even."""
    return decimal_of(round_half_even(Fraction(part) * 1000 / Fraction(whole)), 1)
