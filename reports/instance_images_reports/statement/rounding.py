"""Rounds the amounts of a statement so that they add up to its total. Pure."""

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from math import lcm

from instance_images.errors import InstanceImagesError

DOES_NOT_ADD_UP = (
    "The postings of the ledger do not add up to its intervals, so no report is made: the database"
    " was changed outside this product. Restore it from a backup."
)
_UNITS = [Decimal(1).scaleb(-digits) for digits in range(29)]  # 1, 0.1, 0.01, ...
_WIDE = 10**28  # Decimals are computed with so many digits, unless a context says more
_ALL_DIGITS = Context(prec=999)


class LedgerMismatch(InstanceImagesError):
    """Postings and intervals do not tell the same story; no report is made of them."""

    code = "ledger_mismatch"


def apportion(exact: Sequence[Fraction], total: int) -> list[int]:
    """Round amounts to integers that add up to ``total``: the largest remainders are rounded up.

    Of equal remainders the earlier one is rounded up. Raises LedgerMismatch where the total is
    not within reach of rounding.
    """
    return apportion_ratios([(amount.numerator, amount.denominator) for amount in exact], total)


def apportion_ratios(exact: Sequence[tuple[int, int]], total: int) -> list[int]:
    """Do the same with amounts that are numerators and divisors; they need not be reduced."""
    divisors = {divisor for _, divisor in exact}
    common = lcm(*divisors)
    factors = {divisor: common // divisor for divisor in divisors}
    parts = [divmod(numerator * factors[divisor], common) for numerator, divisor in exact]
    amounts = [quotient for quotient, _ in parts]
    left = total - sum(amounts)
    if not 0 <= left <= len(amounts):
        raise LedgerMismatch(DOES_NOT_ADD_UP)
    behind = [-remainder for _, remainder in parts]
    by_remainder = sorted(range(len(exact)), key=behind.__getitem__)
    for index in by_remainder[:left]:
        amounts[index] += 1
    return amounts


def decimal_of(scaled: int, digits: int) -> Decimal:
    """Return the integer divided by 10^digits, with exactly that many decimals."""
    if -_WIDE < scaled < _WIDE:
        return scaled * _UNITS[digits]
    return _ALL_DIGITS.multiply(scaled, _UNITS[digits])
