"""Splits the change of an image's charge into price, volume and duration. Pure.

A charge is the product of three factors: the price of a byte-second, the bytes stored on average,
and the seconds. Each factor gets the mean of its effects over all orders in which the three can
change (the Shapley value; for three factors the formula of J. Sun, "Changes in energy consumption
and energy intensity: a complete decomposition model", Energy Economics 20, 1998). No order is
preferred, and nothing is left over.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Usage:
    """What an image was charged for in a period: byte-seconds, seconds, and nanos for them.

    ``byte_seconds`` and ``seconds`` are above zero.
    """

    byte_seconds: int
    seconds: int
    nanos: Fraction


@dataclass(frozen=True, slots=True)
class Split:
    """A change of a charge in nanos. The three parts add up to it exactly."""

    price: Fraction
    volume: Fraction
    duration: Fraction

    @property
    def total(self) -> Fraction:
        """The whole change, in nanos."""
        return self.price + self.volume + self.duration


def split_change(before: Usage | None, after: Usage | None) -> Split:
    """Return why a charge changed; None is a period in which the image was not charged for.

    An image that is new, or charged for no longer, changes the volume alone.
    """
    if before is None or after is None:
        change = (after.nanos if after else 0) - (before.nanos if before else 0)
        return Split(Fraction(0), Fraction(change), Fraction(0))
    price = (_price(before), _price(after))
    volume = (_bytes(before), _bytes(after))
    duration = (Fraction(before.seconds), Fraction(after.seconds))
    return Split(
        _effect(price, volume, duration),
        _effect(volume, price, duration),
        _effect(duration, price, volume),
    )


Factor = tuple[Fraction, Fraction]


def _effect(changed: Factor, one: Factor, other: Factor) -> Fraction:
    """Return the mean effect of the first factor over the six orders of changing three."""
    first = (one[0] * other[0] + one[1] * other[1]) / 3
    middle = (one[0] * other[1] + one[1] * other[0]) / 6
    return (changed[1] - changed[0]) * (first + middle)


def _price(usage: Usage) -> Fraction:
    return usage.nanos / usage.byte_seconds


def _bytes(usage: Usage) -> Fraction:
    return Fraction(usage.byte_seconds, usage.seconds)


class Charged(NamedTuple):
    """What an image was charged for, in integers: its charge is ``parts`` of a nano's share.

    How many parts make a nano is known to whoever adds them up, and is the same for both periods.
    """

    byte_seconds: int
    seconds: int
    parts: int


def split_in_nanos(before: Charged, after: Charged, parts_per_nano: int) -> tuple[int, int, int]:
    """Return price, volume and duration in whole nanos that add up to the change of the nanos.

    The values are those of ``split_change``, without a Fraction: there may be a million images.
    Price and duration are rounded half-even, and so is each charge; volume takes what that leaves.
    """
    bytes0, bytes1 = before.byte_seconds, after.byte_seconds
    seconds0, seconds1 = before.seconds, after.seconds
    parts0, parts1 = before.parts, after.parts
    both_bytes, both_seconds = bytes0 * bytes1, seconds0 * seconds1
    divisor = 6 * parts_per_nano * both_bytes * both_seconds
    price = (parts1 * bytes0 - parts0 * bytes1) * (
        2 * (bytes0 + bytes1) * both_seconds
        + bytes0 * seconds1 * seconds1
        + bytes1 * seconds0 * seconds0
    )
    duration = (seconds1 - seconds0) * (
        2 * (parts0 * seconds1 + parts1 * seconds0) * both_bytes
        + parts0 * bytes1 * bytes1 * seconds0
        + parts1 * bytes0 * bytes0 * seconds1
    )
    change = quotient(parts1, parts_per_nano) - quotient(parts0, parts_per_nano)
    whole_price, whole_duration = quotient(price, divisor), quotient(duration, divisor)
    return whole_price, change - whole_price - whole_duration, whole_duration


def quotient(dividend: int, divisor: int) -> int:
    """Return the nearest integer; of two that are as near, the even one. The divisor is above 0."""
    whole, rest = divmod(dividend, divisor)
    twice = 2 * rest
    return whole + (twice > divisor or (twice == divisor and whole % 2 == 1))
