"""Splits the change of an image's charge into price, volume and duration. Pure.

A charge is the product of three factors: the price of a byte-second, the bytes stored on average,
and the seconds. Each factor gets the mean of its effects over all orders in which the three can
change (the Shapley value; for three factors the formula of J. Sun, "Changes in energy consumption
and energy intensity: a complete decomposition model", Energy Economics 20, 1998). No order is
preferred, and nothing is left over.
"""

from dataclasses import dataclass
from fractions import Fraction


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
