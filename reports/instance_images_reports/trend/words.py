"""What a trend says to people, beside its numbers; the same in every format that they read."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from instance_images_billing.pricing.periods import Period, period_before
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.trend.trend import (
    Bridge,
    Group,
    Mover,
    Outlook,
    PeriodTrend,
    StoredImage,
    Trend,
)
from instance_images_reports.wording.words import Words

SHOWN_IDLE = 50


def change_text(words: Words, periods: Sequence[PeriodTrend], bridge: Bridge) -> str:
    """Return by how much the last period differs from the one before, and why, in a sentence.

    The causes are all there are, the largest first: they add up to the change.
    """
    last = periods[-1].period
    values = {
        "month": words.month_of(last),
        "month_before": _month_before(words, periods),
        "after": words.money(bridge.after),
        "before": words.money(bridge.before),
        "amount": words.money(abs(bridge.change)),
        "causes": ", ".join(causes(words, periods, bridge)),
    }
    if bridge.change > 0:
        return words.gettext(
            "%(month)s: %(after)s, which is %(amount)s more than in %(month_before)s (%(before)s):"
            " %(causes)s.",
            **values,
        )
    if bridge.change < 0:
        return words.gettext(
            "%(month)s: %(after)s, which is %(amount)s less than in %(month_before)s (%(before)s):"
            " %(causes)s.",
            **values,
        )
    if values["causes"]:
        return words.gettext(
            "%(month)s: %(after)s, as much as in %(month_before)s: %(causes)s.", **values
        )
    return words.gettext("%(month)s: %(after)s, as much as in %(month_before)s.", **values)


def causes(words: Words, periods: Sequence[PeriodTrend], bridge: Bridge) -> Sequence[str]:
    """Return the parts of the change that are not zero, the largest first: ``+310.00 ...``."""
    found = [
        (
            bridge.new,
            words.gettext("new images (%(count)s)", count=words.integer(bridge.new_count)),
        ),
        (
            bridge.ended,
            words.gettext(
                "images charged in %(month)s only (%(count)s)",
                month=_month_before(words, periods),
                count=words.integer(bridge.ended_count),
            ),
        ),
        (
            bridge.cut_short,
            words.gettext(
                "images that ended in %(month)s (%(count)s)",
                month=words.month_of(periods[-1].period),
                count=words.integer(bridge.cut_short_count),
            ),
        ),
        (bridge.volume, _volume_text(words, bridge.volume)),
        (bridge.month_length, month_length_text(words, periods)),
        (bridge.stored_time, _stored_text(words, bridge.stored_time)),
        (bridge.price, _price_text(words, bridge)),
        (bridge.other, words.gettext("adjustments, allowances, rounding")),
    ]
    ranked = sorted((one for one in found if one[0]), key=lambda one: -abs(one[0]))
    return [f"{signed_amount(words, amount)} {text}" for amount, text in ranked]


def _month_before(words: Words, periods: Sequence[PeriodTrend]) -> str:
    return words.month_of(period_before(periods[-1].period.start, words.zone))


def _volume_text(words: Words, amount: Decimal) -> str:
    return words.gettext("larger images") if amount > 0 else words.gettext("smaller images")


def _stored_text(words: Words, amount: Decimal) -> str:
    if amount > 0:
        return words.gettext("images stored for longer")
    return words.gettext("images stored for a shorter time")


def _price_text(words: Words, bridge: Bridge) -> str:
    at = bridge.rate_changed_at
    if at is None:
        return words.gettext("price")
    if bridge.price > 0:
        return words.gettext("higher rate from %(date)s", date=words.date_of(at))
    return words.gettext("lower rate from %(date)s", date=words.date_of(at))


def month_length_text(words: Words, periods: Sequence[PeriodTrend]) -> str:
    """Return how many days the last two months have, or that the last one is not metered."""
    if not periods[-1].is_whole:
        return words.gettext("month not fully metered")
    last = periods[-1].period
    return words.gettext(
        "month of %(days)s days after one of %(days_before)s",
        days=_days(last, words),
        days_before=_days(period_before(last.start, words.zone), words),
    )


def _days(period: Period, words: Words) -> int:
    first, following = (at.astimezone(words.zone).date() for at in (period.start, period.end))
    return (following - first).days


def coverage_text(words: Words, periods: Sequence[PeriodTrend]) -> str:
    """Return that the last period is not metered to its end, or not closed, or nothing."""
    last = periods[-1]
    if last.is_whole and last.state == "open":
        return words.gettext(
            "The last period is not closed yet: adjustments can still be counted in it."
        )
    if last.is_whole:
        return ""
    return words.gettext(
        "The last period is not fully metered, or began before the ledger: its change says little."
    )


def bridge_rows(
    words: Words, periods: Sequence[PeriodTrend], bridge: Bridge
) -> Sequence[tuple[str, Decimal]]:
    """Return the parts of the change with their titles; they add up to it."""
    before, last = _month_before(words, periods), words.month_of(periods[-1].period)
    return [
        (words.gettext("New images"), bridge.new),
        (words.gettext("Images charged in %(month)s only", month=before), bridge.ended),
        (words.gettext("Images that ended in %(month)s", month=last), bridge.cut_short),
        (words.gettext("Volume (size of images)"), bridge.volume),
        (words.gettext("Length of the month"), bridge.month_length),
        (words.gettext("Duration (time stored)"), bridge.stored_time),
        (words.gettext("Price"), bridge.price),
        (words.gettext("Adjustments, allowances, rounding"), bridge.other),
    ]


def unit_months_title(words: Words, unit: str) -> str:
    """Return what the column of quantities is called: ``GB-months``."""
    return words.gettext("%(unit)s-months", unit=unit)


def price_note(words: Words, unit: str) -> str:
    """Return what the column of prices shows."""
    return words.gettext("Price: the average of a %(unit)s-month.", unit=unit)


def share_note(words: Words) -> str:
    """Return what the numbers in brackets are."""
    return words.gettext("In brackets: the share of the charge of all images in the period.")


def kind_text(words: Words, mover: Mover) -> str:
    """Return whether the image is new, has ended, or both; nothing else."""
    found = [words.gettext("new")] if mover.kind == "new" else []
    if mover.has_ended or mover.kind == "ended":
        found.append(words.gettext("ended"))
    return ", ".join(found)


def part_text(words: Words, mover: Mover, amount: Decimal) -> str:
    """Return a part of the change of an image that was charged in both months; else a dash.

    New images, and those of the month before alone, are causes of their own.
    """
    return signed_amount(words, amount) if mover.kind == "kept" else "-"


def group_text(words: Words, group: Group) -> str:
    """Return how many images, and their share of the charge: ``3 (12.5%)``."""
    if not group.count:
        return "-"
    if group.percent is None:
        return words.integer(group.count)
    return f"{words.integer(group.count)} ({words.percent(group.percent)})"


def signed_amount(words: Words, amount: Decimal) -> str:
    """Return a change of an amount: ``+1,234.50``."""
    return ("+" if amount > 0 else "") + words.amount(amount)


def size_text(words: Words, image: StoredImage, unit: str) -> str:
    """Return the size of an image: ``73.000 GB``."""
    return f"{words.quantity(Decimal(image.size_bytes) / UNIT_BYTES[unit])} {unit}"


def deployed_text(words: Words, image: StoredImage) -> str:
    """Return the day of the last deployment, or that none is on record."""
    if image.deployed_at is None:
        return words.gettext("never")
    return words.date_of(image.deployed_at)


def available_text(words: Words, image: StoredImage) -> str:
    """Return the day on which the image became available."""
    return "-" if image.available_at is None else words.date_of(image.available_at)


def idle_text(words: Words, idle_since: datetime, count: int, saving: Decimal) -> str:
    """Return how many images are idle, and what deleting them would save."""
    since = words.date_of(idle_since)
    if not count:
        return words.gettext(
            "Each stored image is newer than %(since)s, or was deployed from since then.",
            since=since,
        )
    return words.ngettext(
        "%(count)s image was not deployed from since %(since)s. Deleting it saves %(saving)s a"
        " month, before allowances and minimum charges.",
        "%(count)s images were not deployed from since %(since)s. Deleting them saves %(saving)s a"
        " month, before allowances and minimum charges.",
        count,
        since=since,
        saving=words.money(saving),
    )


def shown_idle(trend: Trend) -> Sequence[StoredImage]:
    """Return the idle images that people are shown: the dearest, as many as can be read."""
    return trend.idle[:SHOWN_IDLE]


def idle_note(words: Words, count: int, more: str) -> str:
    """Return which deployments are not known, and ``more`` if not all idle images are shown."""
    note = words.gettext(
        "Only deployments made with this product are on record: check scaling groups and the"
        " customer's own scripts before you delete an image."
    )
    return note if count <= SHOWN_IDLE else f"{note} {more}"


def more_idle_text(words: Words) -> str:
    """Return which idle images of an account are shown."""
    return words.gettext(
        "The %(count)s dearest images are shown; xlsx and json have all of them.", count=SHOWN_IDLE
    )


def forecast_text(words: Words, outlook: Outlook | None) -> str:
    """Return how the forecast is made and how far off it was, or why there is none."""
    if outlook is None:
        return words.gettext("A forecast needs three whole months.")
    return words.ngettext(
        "The last whole month, plus the mean monthly change of %(months)s months. In %(count)s"
        " past month this method was off by %(error)s.",
        "The last whole month, plus the mean monthly change of %(months)s months. In %(count)s"
        " past months this method was off by %(error)s on average.",
        outlook.errors_count,
        months=outlook.basis_months,
        error=words.money(outlook.mean_error),
    )


def month_bars(
    periods: Sequence[PeriodTrend], outlook: Outlook | None
) -> Sequence[tuple[Period, Decimal, str]]:
    """Return the months of the chart, with the class of their bars."""
    bars = [(one.period, one.total, "bar" if one.is_whole else "bar-pale") for one in periods]
    ahead = outlook.amounts if outlook else ()
    return [*bars, *((period, total, "bar-forecast") for period, total in ahead)]
