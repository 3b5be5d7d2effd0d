"""The trend as plain text. Computes nothing."""

from collections.abc import Sequence
from textwrap import fill
from zoneinfo import ZoneInfo

from instance_images.names import printable
from instance_images_reports.formats.text_table import heading, table
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.compute import in_currency_digits
from instance_images_reports.trend.trend import Course, StoredImage, Trend
from instance_images_reports.wording.words import Words

_WIDTH = 120


def render_trend_text(trend: Trend, presentation: Presentation) -> str:
    """Return the trend; names that are longer than a column are cut, numbers never."""
    words = Words(presentation.locale, ZoneInfo(trend.timezone), trend.currency)
    parts = [
        _header(trend, words),
        *map(filled, filter(None, [trend_words.coverage_text(words, trend.periods)])),
        change_section(trend, words),
        periods_section(trend, words),
        _movers(trend, words),
        forecast_section(trend, words),
        _idle(trend, words),
        _images(words.gettext("Largest images"), trend.largest, trend, words),
        _images(words.gettext("Oldest images"), trend.oldest, trend, words),
    ]
    text = "\n\n".join(part for part in parts if part)
    return text.replace("\xa0", " ").replace("\u202f", " ") + "\n"


def filled(text: str) -> str:
    """Return the text in lines that fit on a page."""
    return fill(text, _WIDTH)


def _header(trend: Trend, words: Words) -> str:
    first, last = trend.periods[0].period, trend.periods[-1].period
    facts = [
        (words.gettext("Account"), printable(trend.account.name)),
        (words.gettext("Account ID"), printable(trend.account.id)),
        (words.gettext("Periods"), f"{words.month_of(first)} - {words.month_of(last)}"),
        (words.gettext("Time zone"), trend.timezone),
        (words.gettext("Currency"), trend.currency),
    ]
    title = words.gettext("Trend of image charges")
    return "\n".join([*heading(title, "="), "", *table([], facts, numbers=0)])


def change_section(trend: Course, words: Words) -> str:
    """Return why the charge changed: the sentence, and the causes with their sum."""
    bridge = trend.bridge
    rows = [
        (title, trend_words.signed_amount(words, amount))
        for title, amount in trend_words.bridge_rows(words, trend.periods, bridge)
    ]
    total = [words.gettext("Change"), trend_words.signed_amount(words, bridge.change)]
    titles = [words.gettext("Cause"), trend.currency]
    return "\n".join(
        [
            *heading(words.gettext("Why the charge changed"), "-"),
            "",
            filled(trend_words.change_text(words, trend.periods, trend.bridge)),
            "",
            *table(titles, rows, numbers=1, total=total),
        ]
    )


def periods_section(trend: Course, words: Words) -> str:
    """Return the table of the periods."""
    titles = [
        words.gettext("Period"),
        trend_words.unit_months_title(words, trend.unit),
        words.gettext("Images"),
        words.gettext("Charge"),
        words.gettext("Price"),
        words.gettext("New"),
        words.gettext("Ended"),
        words.gettext("Grown"),
    ]
    rows = [
        [
            words.month_of(one.period),
            words.quantity(one.unit_months),
            words.integer(one.images_count),
            words.amount(one.total),
            "-" if one.price is None else words.amount(one.price),
            trend_words.group_text(words, one.new),
            trend_words.group_text(words, one.ended),
            trend_words.group_text(words, one.grown),
        ]
        for one in trend.periods
    ]
    title = heading(words.gettext("Periods"), "-")
    note = f"{trend_words.share_note(words)} {trend_words.price_note(words, trend.unit)}"
    return "\n".join([*title, "", *table(titles, rows, numbers=7), "", filled(note)])


def _movers(trend: Trend, words: Words) -> str:
    if not trend.movers:
        return ""
    titles = [
        words.gettext("Name"),
        words.gettext("Location"),
        "",
        words.gettext("Change"),
        words.gettext("Price"),
        words.gettext("Volume"),
        words.gettext("Duration"),
    ]
    rows = [
        [
            printable(one.name),
            printable(one.location),
            trend_words.kind_text(words, one),
            trend_words.signed_amount(words, one.change),
            *(
                trend_words.part_text(words, one, amount)
                for amount in (one.price, one.volume, one.duration)
            ),
        ]
        for one in (in_currency_digits(each, trend) for each in trend.movers)
    ]
    title = f"{words.gettext('Largest changes')}: {trend.movers_count}"
    return "\n".join([*heading(title, "-"), "", *table(titles, rows, numbers=4)])


def forecast_section(trend: Course, words: Words) -> str:
    """Return the forecast, or why there is none."""
    lines = [*heading(words.gettext("Forecast"), "-"), ""]
    if trend.outlook:
        rows = [
            (words.month_of(period), words.money(total)) for period, total in trend.outlook.amounts
        ]
        lines += [*table([], rows, numbers=1), ""]
    return "\n".join([*lines, filled(trend_words.forecast_text(words, trend.outlook))])


def _idle(trend: Trend, words: Words) -> str:
    lines = [
        *heading(words.gettext("Idle images"), "-"),
        "",
        filled(trend_words.idle_text(words, trend.idle_since, len(trend.idle), trend.saving)),
    ]
    if trend.idle:
        shown = trend_words.shown_idle(trend)
        note = filled(
            trend_words.idle_note(words, len(trend.idle), trend_words.more_idle_text(words))
        )
        lines += [note, "", *_table(shown, trend, words)]
    return "\n".join(lines)


def _images(title: str, images: Sequence[StoredImage], trend: Trend, words: Words) -> str:
    return "\n".join([*heading(title, "-"), "", *_table(images, trend, words)]) if images else ""


def _table(images: Sequence[StoredImage], trend: Trend, words: Words) -> list[str]:
    titles = [
        words.gettext("Name"),
        words.gettext("Location"),
        words.gettext("Available since"),
        words.gettext("Last deployment"),
        words.gettext("Size"),
        words.gettext("Per month"),
    ]
    rows = [
        [
            printable(one.name),
            printable(one.location),
            trend_words.available_text(words, one),
            trend_words.deployed_text(words, one),
            trend_words.size_text(words, one, trend.unit),
            words.amount(one.monthly),
        ]
        for one in images
    ]
    return table(titles, rows, numbers=2)
