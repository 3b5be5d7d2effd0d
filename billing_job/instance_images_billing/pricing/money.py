"""Money: integer counts of nanos, 10^-9 of the currency's unit, and exact ways to and from them.

No float comes near an amount. While an amount is computed it is a Fraction of nanos; where there
are many it is an integer over a divisor that they have in common, which is several times as fast.
"""

import re
from decimal import Decimal
from fractions import Fraction

from instance_images.errors import UsageError

NANOS_PER_UNIT = 10**9
MAX_PRICE = 10**6  # of the currency's unit, per GB and month: more is a slip of the finger


def parse_price(text: str) -> int:
    """Return the nanos of a price such as ``0.05``. Raises UsageError."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        raise UsageError(
            f"{text!r} is not a price: write digits with a point and at most 9 decimals, such as"
            " 0.05."
        )
    price = Decimal(text)
    if price > MAX_PRICE:
        raise UsageError(f"{text} is more than {MAX_PRICE} per unit and month: check the price.")
    return int(price * NANOS_PER_UNIT)


def parse_amount(text: str, meaning: str = "It is not below 0.") -> int:
    """Return the nanos of an amount such as ``12.50``. Raises UsageError, with its ``meaning``."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        raise UsageError(
            f"{text!r} is not an amount: write at most 12 digits, a point and at most 9 decimals,"
            f" such as 12.50. {meaning}"
        )
    return int(Decimal(text) * NANOS_PER_UNIT)


def round_half_even(exact: Fraction) -> int:
    """Return the nearest integer; of two that are as near, the even one."""
    return round(exact)


def divide_half_even(number: int, divisor: int) -> int:
    """Return ``round_half_even`` of a number over a divisor above zero, without the Fraction."""
    quotient, remainder = divmod(number, divisor)
    twice = 2 * remainder
    return quotient + (twice > divisor or (twice == divisor and quotient % 2 == 1))


def decimal_of(nanos: int) -> Decimal:
    """Return an amount as a Decimal with nine decimals."""
    return Decimal(nanos).scaleb(-9)


def price_text(nanos: int) -> str:
    """Return a price as it was written, with two decimals at least: ``0.05``."""
    whole, _, decimals = f"{decimal_of(nanos):f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
