"""Computes the trend of an account from its statements. Pure.

From their totals, and the lines of their images; added sections are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from instance_images_billing.pricing.money import NANOS_PER_UNIT, round_half_even
from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.rating import SECONDS_PER_HOUR
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.statement.rounding import decimal_of
from instance_images_reports.statement.statement import Ending, Line, Statement
from instance_images_reports.trend.forecast import forecast_months
from instance_images_reports.trend.split import Usage, split_change
from instance_images_reports.trend.trend import (
    Bridge,
    Group,
    ImageFacts,
    Mover,
    Outlook,
    PeriodTrend,
    Stated,
    StoredImage,
    Trend,
)

MOVERS = 10
LISTED = 10
_ENDINGS = (Ending.DELETED, Ending.OWNER_CHANGED)


def trend_of(
    stated: Sequence[Stated],
    ahead: Sequence[Period],
    facts: Mapping[str, ImageFacts],
    idle_since: datetime,
    digits: int,
    rate_changed_at: datetime | None = None,
) -> Trend:
    """Compute the trend.

    ``stated`` are of one account and currency, of consecutive periods; the first one is there to
    compare with, and is not shown. ``ahead`` are the periods to forecast, ``facts`` those of the
    images that are stored now, ``digits`` how many decimals the currency is paid in.
    """
    last = stated[-1].statement
    before, after = stated[-2].statement, last
    movers = _movers(before, after)
    stored = _stored(_lines(last), facts, idle_since, digits)
    idle = [one for one in stored if one.is_idle]
    return Trend(
        account=last.account,
        currency=last.currency,
        timezone=last.timezone,
        unit=last.sections[0].unit,
        periods=[
            _period(earlier.statement, later, last.sections[0].unit)
            for earlier, later in pairwise(stated)
        ],
        bridge=_bridge(before, after, movers, digits, rate_changed_at),
        movers=movers[:MOVERS],
        movers_count=len(movers),
        stored_count=len(stored),
        largest=sorted(stored, key=lambda one: (-one.size_bytes, one.name, one.image_id))[:LISTED],
        oldest=sorted(
            (one for one in stored if one.available_at is not None),
            key=lambda one: (one.available_at, one.image_id),
        )[:LISTED],
        idle=sorted(idle, key=lambda one: (-one.monthly, one.name, one.image_id)),
        idle_since=idle_since,
        saving=sum((one.monthly for one in idle), decimal_of(0, digits)),
        outlook=outlook_of([(one.is_whole, one.statement.total) for one in stated], ahead, digits),
    )


def _lines(statement: Statement) -> Sequence[Line]:
    return statement.sections[0].lines


def _by_image(lines: Sequence[Line]) -> dict[str, list[Line]]:
    """Return the lines of each image, in the order of time."""
    found: dict[str, list[Line]] = {}
    for line in sorted(lines, key=lambda line: line.billable_from):
        found.setdefault(line.image_id, []).append(line)
    return found


def _nanos(amount: Decimal) -> int:
    return int(amount * NANOS_PER_UNIT)


def _usage(lines: Sequence[Line]) -> Usage | None:
    """Return what the lines charge for; None where that is no byte at all, and costs nothing."""
    byte_seconds = sum(line.size_bytes * line.billable_seconds for line in lines)
    if not byte_seconds:
        return None
    return Usage(
        byte_seconds=byte_seconds,
        seconds=sum(line.billable_seconds for line in lines),
        nanos=Fraction(sum(_nanos(line.amount_exact) for line in lines)),
    )


# -------------------------------------------------------------------------- periods


def _period(before: Statement, stated: Stated, unit: str) -> PeriodTrend:
    statement = stated.statement
    images, known = _by_image(_lines(statement)), _by_image(_lines(before))
    nanos = {key: _nanos_of(lines) for key, lines in images.items()}
    unit_months = sum(
        (_unit_months(line, statement.period, unit) for line in _lines(statement)), Fraction(0)
    )
    charged = sum(nanos.values())
    ended = {line.image_id for line in _lines(statement) if line.ending in _ENDINGS}
    return PeriodTrend(
        period=statement.period,
        state=statement.period_state,
        is_whole=stated.is_whole,
        total=statement.total,
        images_count=len(images),
        unit_months=decimal_of(round_half_even(unit_months * 10**6), 6),
        price=_rounded(Fraction(charged, NANOS_PER_UNIT) / unit_months, 6) if unit_months else None,
        new=_group(nanos, {key for key in images if key not in known}),
        ended=_group(nanos, ended),
        grown=_group(nanos, {key for key in images if _has_grown(known.get(key, []), images[key])}),
    )


def _nanos_of(lines: Sequence[Line]) -> int:
    return sum(_nanos(line.amount_exact) for line in lines)


def _unit_months(line: Line, period: Period, unit: str) -> Fraction:
    """Return the line's bytes and seconds in units and months, as its rate counts months."""
    month_seconds = (
        period.duration_seconds
        if line.hours_per_month == "calendar"
        else int(line.hours_per_month) * SECONDS_PER_HOUR
    )
    return Fraction(line.size_bytes * line.billable_seconds, UNIT_BYTES[unit] * month_seconds)


def _group(nanos: Mapping[str, int], chosen: set[str]) -> Group:
    whole = sum(nanos.values())
    part = sum(nanos[key] for key in chosen)
    percent = _rounded(Fraction(100 * part, whole), 1) if whole > 0 else None
    return Group(len(chosen), percent)


def _has_grown(before: Sequence[Line], lines: Sequence[Line]) -> bool:
    """Return whether the image ends larger than it ended before, or began where it is new."""
    first = before[-1] if before else lines[0]
    return lines[-1].size_bytes > first.size_bytes


def _rounded(exact: Fraction, digits: int) -> Decimal:
    return decimal_of(round_half_even(exact * 10**digits), digits)


# --------------------------------------------------------------------------- change


def _movers(before: Statement, after: Statement) -> list[Mover]:
    """Return the images whose charge changed, the largest change first."""
    old, new = _by_image(_lines(before)), _by_image(_lines(after))
    movers = []
    for image_id in old.keys() | new.keys():
        lines = new.get(image_id) or old[image_id]
        was, now = _usage(old.get(image_id, [])), _usage(new.get(image_id, []))
        change = int((now.nanos if now else 0) - (was.nanos if was else 0))
        price, volume, duration = _whole_nanos(was, now, change)
        if not (price or volume or duration or change):
            continue
        kind = "new" if was is None else "ended" if now is None else "kept"
        movers.append(
            Mover(
                image_id=image_id,
                name=lines[-1].name,
                location=lines[-1].location,
                kind=kind,
                before=decimal_of(int(was.nanos) if was else 0, 9),
                after=decimal_of(int(now.nanos) if now else 0, 9),
                change=decimal_of(change, 9),
                price=decimal_of(price, 9),
                volume=decimal_of(volume, 9),
                duration=decimal_of(duration, 9),
                is_whole=_is_whole(before, old.get(image_id))
                and _is_whole(after, new.get(image_id)),
                has_ended=any(line.ending in _ENDINGS for line in new.get(image_id, [])),
            )
        )
    return sorted(movers, key=lambda one: (-abs(one.change), one.name, one.image_id))


def _is_whole(statement: Statement, lines: Sequence[Line] | None) -> bool:
    """Return whether an image was stored from the start of the period, as long as it is metered."""
    if not lines or not lines[-1].is_open:
        return False
    start, end = statement.period.start, lines[-1].billable_until
    return sum(line.billable_seconds for line in lines) == int((end - start).total_seconds())


def _whole_nanos(was: Usage | None, now: Usage | None, change: int) -> tuple[int, int, int]:
    """Return price, volume and duration in whole nanos that add up to the change.

    Volume takes what rounding the other two leaves.
    """
    split = split_change(was, now)
    price, duration = round_half_even(split.price), round_half_even(split.duration)
    return price, change - price - duration, duration


def _bridge(
    before: Statement,
    after: Statement,
    movers: Sequence[Mover],
    digits: int,
    rate_changed_at: datetime | None,
) -> Bridge:
    kept = [one for one in movers if one.kind == "kept"]
    cut_short = [one for one in kept if one.is_cut_short]

    def rounded(amounts: Sequence[Decimal]) -> Decimal:
        return _rounded(Fraction(sum(amounts, Decimal(0))), digits)

    new = rounded([one.change for one in movers if one.kind == "new"])
    ended = rounded([one.change for one in movers if one.kind == "ended"])
    volume = rounded([one.volume for one in kept])
    duration = rounded([one.duration for one in kept])
    price = rounded([one.price for one in kept])
    return Bridge(
        before=before.total,
        new=new,
        ended=ended,
        volume=volume,
        duration=duration,
        price=price,
        other=after.total - before.total - new - ended - volume - duration - price,
        after=after.total,
        new_count=sum(1 for one in movers if one.kind == "new"),
        ended_count=sum(1 for one in movers if one.kind == "ended"),
        month_length=rounded([one.duration for one in kept if one.is_whole]),
        rate_changed_at=rate_changed_at,
        cut_short=rounded([one.duration for one in cut_short]),
        cut_short_count=len(cut_short),
    )


def in_currency_digits(mover: Mover, trend: Trend) -> Mover:
    """Return the mover with the decimals of the currency; the parts still add up to its change.

    Volume takes what rounding the other parts leaves.
    """
    digits = -int(trend.bridge.after.as_tuple().exponent)
    before, after, change, price, duration = (
        _rounded(Fraction(amount), digits)
        for amount in (mover.before, mover.after, mover.change, mover.price, mover.duration)
    )
    return replace(
        mover,
        before=before,
        after=after,
        change=change,
        price=price,
        volume=change - price - duration,
        duration=duration,
    )


# --------------------------------------------------------------------------- stored


def _stored(
    lines: Sequence[Line], facts: Mapping[str, ImageFacts], idle_since: datetime, digits: int
) -> list[StoredImage]:
    stored = []
    for line in lines:
        known = facts.get(line.image_id)
        if line.is_open and known is not None:
            monthly = Fraction(line.rate) * line.size_bytes / UNIT_BYTES[line.unit]
            stored.append(
                StoredImage(
                    image_id=line.image_id,
                    name=line.name,
                    location=line.location,
                    size_bytes=line.size_bytes,
                    monthly=_rounded(monthly, digits),
                    available_at=known.available_at,
                    deployed_at=known.deployed_at,
                    is_idle=_is_idle(known, idle_since),
                )
            )
    return stored


def _is_idle(known: ImageFacts, idle_since: datetime) -> bool:
    """Return whether the image is old enough, and was not deployed from since the instant."""
    if known.available_at is None or known.available_at > idle_since:
        return False
    return known.deployed_at is None or known.deployed_at < idle_since


# -------------------------------------------------------------------------- outlook


def outlook_of(
    totals: Sequence[tuple[bool, Decimal]], ahead: Sequence[Period], digits: int
) -> Outlook | None:
    """Return the forecast from the whole periods at the end; None where they are too few.

    ``totals`` say of each period whether it is whole, and what it was charged.
    """
    whole: list[Fraction] = []
    for is_whole, total in totals:
        if is_whole:
            whole.append(Fraction(total))
        elif whole:
            break  # what follows is the period that is not metered to its end
    found = forecast_months(whole)
    if found is None:
        return None
    return Outlook(
        amounts=[
            (period, _rounded(amount, digits))
            for period, amount in zip(ahead, found.amounts, strict=True)
        ],
        mean_error=_rounded(found.mean_error, digits),
        errors_count=found.errors_count,
        basis_months=found.basis_months,
    )
