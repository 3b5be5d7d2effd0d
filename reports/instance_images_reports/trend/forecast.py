"""Forecasts the next months' charges from whole months, and measures its past errors. Pure.

The method is the random walk with drift (R. Hyndman and G. Athanasopoulos, "Forecasting:
principles and practice", 3rd edition, section 5.2): the last month, plus the mean change of the
last months for each month ahead. It needs no parameter and can be checked by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

MONTHS_AHEAD = 3
# So many whole months the drift is taken from, at most.
BASIS_MONTHS = 6
# With fewer whole months there is no past error, and no forecast.
LEAST_MONTHS = 3


@dataclass(frozen=True, slots=True)
class MonthsForecast:
    """The charges of the next months, and how far off the method was, in the unit of its input.

    ``mean_error`` is the mean absolute error of forecasts of one month ahead, made for each whole
    month from those before it; ``errors_count`` is how many there are. ``basis_months`` is how many
    months the forecast rests on.
    """

    amounts: Sequence[Fraction]
    mean_error: Fraction
    errors_count: int
    basis_months: int


def forecast_months(totals: Sequence[Fraction]) -> MonthsForecast | None:
    """Return the forecast; ``totals`` are of whole consecutive months, the oldest first.

    None where there are fewer than LEAST_MONTHS. An amount is never below zero.
    """
    if len(totals) < LEAST_MONTHS:
        return None
    errors = [abs(totals[index] - _ahead(totals[:index], 1)) for index in range(2, len(totals))]
    return MonthsForecast(
        amounts=[_ahead(totals, months) for months in range(1, MONTHS_AHEAD + 1)],
        mean_error=sum(errors, Fraction(0)) / len(errors),
        errors_count=len(errors),
        basis_months=min(len(totals), BASIS_MONTHS),
    )


def _ahead(totals: Sequence[Fraction], months: int) -> Fraction:
    basis = totals[-BASIS_MONTHS:]
    drift = (basis[-1] - basis[0]) / (len(basis) - 1)
    return max(Fraction(0), basis[-1] + months * drift)
