"""What a location charges in a currency over some periods: the stretches of one rate. Pure.

Instants are seconds since 1970, and a charge is counted in parts of a nano, of which each lane
has a number of its own: so a million images are added up in integers, to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import lcm

from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.rating import SECONDS_PER_HOUR, Rate, hours_per_month
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.collect.cutoff import Cut

_HOUR = SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Stretch:
    """``[start, end)`` of one rate, in one period; ``weight`` is parts of a nano a byte-second."""

    period: int
    start: int
    end: int
    weight: int
    rounds_up: bool
    month_seconds: int

    def charged(
        self, starts: int, ends: int | None, continues: bool, is_continued: bool
    ) -> tuple[int, int]:
        """Return which of its seconds an interval is charged for; none if they end first.

        The rule is that of ``rating.charged_range``.
        """
        if self.rounds_up:
            if not continues:
                starts -= starts % _HOUR
            if ends is not None and not is_continued:
                ends += -ends % _HOUR
        last = self.end if ends is None or ends > self.end else ends
        return (starts if starts > self.start else self.start), last


@dataclass(frozen=True, slots=True)
class Lane:
    """A location's stretches in one currency, in order, with the parts that make a nano.

    ``whole_seconds`` and ``whole_parts`` are, by period, the seconds of all stretches and what a
    byte costs that is stored for all of them. ``start`` is that of the first stretch, ``end`` that
    of the last one, ``ends`` are those of the last ones in each period. ``price_nanos`` and
    ``unit`` are of the last rate; ``is_last`` if it is in force when the last period ends.
    ``has_whole_months``: the last two periods are charged from their start on, without a gap.
    ``starts`` and ``stops`` are those of the stretches; ``seconds_before`` and ``parts_before``
    what all stretches before one come to, for a byte; ``first_of`` the first stretch of a period.
    """

    location: str
    currency: str
    stretches: Sequence[Stretch]
    parts_per_nano: int
    whole_seconds: Sequence[int]
    whole_parts: Sequence[int]
    ends: Sequence[int]
    unit: str
    price_nanos: int
    is_last: bool
    has_whole_months: bool
    start: int
    end: int
    starts: Sequence[int]
    stops: Sequence[int]
    seconds_before: Sequence[int]
    parts_before: Sequence[int]
    first_of: Sequence[int]

    @property
    def has_gaps(self) -> bool:
        """Whether there is a period without a stretch after one with some."""
        charged = [one > 0 for one in self.whole_seconds]
        return charged != sorted(charged)


def lanes_of(cuts: Sequence[Cut]) -> list[Lane]:
    """Return the lanes of all locations and currencies, sorted, over the periods of the cuts."""
    found = []
    for location in sorted(cuts[-1].locations):
        rated = [one for number, cut in enumerate(cuts) for one in _rated(number, cut, location)]
        for currency in sorted({rate.currency for _, rate, _, _ in rated}):
            own = [one for one in rated if one[1].currency == currency]
            found.append(_lane(cuts, location, own, is_last=own[-1] is rated[-1]))
    return found


_Rated = tuple[int, Rate, int, int]


def _rated(number: int, cut: Cut, location: str) -> list[_Rated]:
    """Return the metered part of the period, cut where a new rate begins."""
    place = cut.locations.get(location)
    if place is None or place.metered_until is None:
        return []
    end = min(cut.period.end, place.metered_until)
    following = [rate.from_hour for rate in place.rates[1:]]
    found = []
    for rate, until in zip(place.rates, [*following, end], strict=False):
        begins, ends = max(rate.from_hour, cut.period.start), min(until, end)
        if begins < ends:
            found.append((number, rate, int(begins.timestamp()), int(ends.timestamp())))
    return found


def _lane(cuts: Sequence[Cut], location: str, rated: Sequence[_Rated], *, is_last: bool) -> Lane:
    prices = [_nanos_of_byte_second(rate, cuts[number].period) for number, rate, _, _ in rated]
    parts = lcm(*(price.denominator for price in prices))
    stretches = [
        Stretch(
            number,
            start,
            end,
            price.numerator * (parts // price.denominator),
            rate.partial_hour == "round_up",
            int(hours_per_month(rate, cuts[number].period) * _HOUR),
        )
        for (number, rate, start, end), price in zip(rated, prices, strict=True)
    ]
    seconds, whole, ends = [0] * len(cuts), [0] * len(cuts), [0] * len(cuts)
    for one in stretches:
        seconds[one.period] += one.end - one.start
        whole[one.period] += (one.end - one.start) * one.weight
        ends[one.period] = one.end
    last = rated[-1][1]
    return Lane(
        location=location,
        currency=last.currency,
        stretches=stretches,
        parts_per_nano=parts,
        whole_seconds=seconds,
        whole_parts=whole,
        ends=ends,
        unit=last.unit,
        price_nanos=last.price_nanos,
        is_last=is_last,
        has_whole_months=all(
            seconds[at] == ends[at] - int(cuts[at].period.start.timestamp()) for at in (-2, -1)
        ),
        start=stretches[0].start,
        end=stretches[-1].end,
        starts=[one.start for one in stretches],
        stops=[one.end for one in stretches],
        seconds_before=_sums([one.end - one.start for one in stretches]),
        parts_before=_sums([(one.end - one.start) * one.weight for one in stretches]),
        first_of=[
            sum(1 for one in stretches if one.period < number) for number in range(len(cuts) + 1)
        ],
    )


def _sums(values: Sequence[int]) -> list[int]:
    return list(accumulate(values, initial=0))


def _nanos_of_byte_second(rate: Rate, period: Period) -> Fraction:
    divisor = UNIT_BYTES[rate.unit] * _HOUR * hours_per_month(rate, period)
    return Fraction(rate.price_nanos) / divisor
