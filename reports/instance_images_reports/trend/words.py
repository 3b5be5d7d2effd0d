"""What a trend says to people, beside its numbers; the same in every format that they read."""

from collections.abc import Sequence
from decimal import Decimal

from instance_images_billing.pricing.periods import Period
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.trend.trend import Bridge, Group, Mover, StoredImage, Trend
from instance_images_reports.wording.words import Words

SHOWN_IDLE = 50


def change_text(words: Words, trend: Trend) -> str:
    """Return by how much the last period differs from the one before, in a sentence."""
    last, bridge = words.month_of(trend.periods[-1].period), trend.bridge
    values = {
        "month": last,
        "after": words.money(bridge.after),
        "before": words.money(bridge.before),
        "amount": words.money(abs(bridge.change)),
    }
    if bridge.change > 0:
        return words.gettext(
            "%(month)s: %(after)s, %(amount)s more than the month before (%(before)s).", **values
        )
    if bridge.change < 0:
        return words.gettext(
            "%(month)s: %(after)s, %(amount)s less than the month before (%(before)s).", **values
        )
    return words.gettext("%(month)s: %(after)s, as much as the month before.", **values)


def coverage_text(words: Words, trend: Trend) -> str:
    """Return that the last period is not metered to its end, or nothing."""
    if trend.periods[-1].is_whole:
        return ""
    return words.gettext(
        "The last period is not fully metered, or began before the ledger: its change says little."
    )


def bridge_rows(words: Words, bridge: Bridge) -> Sequence[tuple[str, Decimal]]:
    """Return the parts of the change with their titles; they add up to it."""
    return [
        (words.gettext("New images"), bridge.new),
        (words.gettext("Ended images"), bridge.ended),
        (words.gettext("Volume (size of images)"), bridge.volume),
        (words.gettext("Duration (time stored)"), bridge.duration),
        (words.gettext("Price"), bridge.price),
        (words.gettext("Adjustments, allowances, rounding"), bridge.other),
    ]


def unit_months_title(words: Words, trend: Trend) -> str:
    """Return what the column of quantities is called: ``GB-months``."""
    return words.gettext("%(unit)s-months", unit=trend.unit)


def price_note(words: Words, trend: Trend) -> str:
    """Return what the column of prices shows."""
    return words.gettext("Price: the average of a %(unit)s-month.", unit=trend.unit)


def share_note(words: Words) -> str:
    """Return what the numbers in brackets are."""
    return words.gettext("In brackets: the share of the charge of all images in the period.")


def kind_text(words: Words, mover: Mover) -> str:
    """Return whether the image is new, or charged for no longer; nothing else."""
    kinds = {"new": words.gettext("new"), "ended": words.gettext("ended")}
    return kinds.get(mover.kind, "")


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


def idle_text(words: Words, trend: Trend) -> str:
    """Return what idle images are, and what deleting them would save."""
    since = words.date_of(trend.idle_since)
    if not trend.idle:
        return words.gettext(
            "Each stored image is newer than %(since)s, or was deployed from since then.",
            since=since,
        )
    return words.ngettext(
        "%(count)s image was not deployed from since %(since)s. Deleting it saves %(saving)s a"
        " month, before allowances and minimum charges.",
        "%(count)s images were not deployed from since %(since)s. Deleting them saves %(saving)s a"
        " month, before allowances and minimum charges.",
        len(trend.idle),
        since=since,
        saving=words.money(trend.saving),
    )


def shown_idle(trend: Trend) -> Sequence[StoredImage]:
    """Return the idle images that people are shown: the dearest, as many as can be read."""
    return trend.idle[:SHOWN_IDLE]


def idle_note(words: Words, trend: Trend) -> str:
    """Return which deployments are not known, and that not all idle images are shown."""
    note = words.gettext(
        "Only deployments made with this product are on record: check scaling groups and the"
        " customer's own scripts before you delete an image."
    )
    if len(trend.idle) <= SHOWN_IDLE:
        return note
    more = words.gettext(
        "The %(count)s dearest images are shown; xlsx and json have all of them.", count=SHOWN_IDLE
    )
    return f"{note} {more}"


def forecast_text(words: Words, trend: Trend) -> str:
    """Return how the forecast is made and how far off it was, or why there is none."""
    outlook = trend.outlook
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


def month_bars(trend: Trend) -> Sequence[tuple[Period, Decimal, str]]:
    """Return the months of the chart, with the class of their bars."""
    bars = [(one.period, one.total, "bar" if one.is_whole else "bar-pale") for one in trend.periods]
    ahead = trend.outlook.amounts if trend.outlook else ()
    return [*bars, *((period, total, "bar-forecast") for period, total in ahead)]
