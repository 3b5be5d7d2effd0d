"""The trend of all accounts as plain text. Computes nothing."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from instance_images.names import printable
from instance_images_reports.formats.text_table import cut, heading, table
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.all_accounts import words as own_words
from instance_images_reports.trend.all_accounts.trend import (
    AccountsTrend,
    CurrencyTrend,
    OwnedImage,
)
from instance_images_reports.trend.text import (
    change_section,
    filled,
    forecast_section,
    periods_section,
)
from instance_images_reports.wording.words import Words


def render_accounts_text(trend: AccountsTrend, presentation: Presentation) -> str:
    """Return the trend; names that are longer than a column are cut, numbers never."""
    zone = ZoneInfo(trend.timezone)
    words = Words(presentation.locale, zone, "")
    parts = [
        "\n".join(
            [
                *heading(words.gettext("Trend of image charges, all accounts"), "="),
                "",
                f"{words.gettext('Time zone')}: {trend.timezone}",
            ]
        )
    ]
    for one in trend.currencies:
        parts += _currency(trend, one, Words(presentation.locale, zone, one.currency))
    if not trend.currencies:
        parts.append(words.gettext("Nothing was charged in these periods."))
    text = "\n\n".join(part for part in parts if part)
    return text.replace("\xa0", " ").replace("\u202f", " ") + "\n"


def _currency(trend: AccountsTrend, one: CurrencyTrend, words: Words) -> list[str]:
    title = f"{one.currency}, {own_words.accounts_text(words, one)}"
    return [
        "\n".join(heading(title, "=")),
        filled(trend_words.coverage_text(words, one.periods)),
        change_section(one, words),
        _movers(one, words),
        periods_section(one, words) + "\n" + filled(own_words.totals_note(words)),
        forecast_section(one, words),
        _idle(trend, one, words),
        _images(words.gettext("Largest images"), one.largest, one.unit, words),
        _images(words.gettext("Oldest images"), one.oldest, one.unit, words),
    ]


def _movers(one: CurrencyTrend, words: Words) -> str:
    if not one.movers:
        return ""
    titles = [words.gettext("Account"), *own_words.mover_titles(words)]
    rows = [
        [
            printable(each.mover.account.name),
            *(trend_words.signed_amount(words, at) for at in own_words.mover_amounts(each)),
        ]
        for each in own_words.shown_movers(one)
    ]
    lines = table(titles, rows, numbers=len(titles) - 1)
    title = own_words.movers_title(words, one)
    return "\n".join([*heading(title, "-"), "", *lines, "", *_images_of_movers(one, words)])


def _images_of_movers(one: CurrencyTrend, words: Words) -> list[str]:
    titles = [words.gettext("Account"), words.gettext("Image"), "", words.gettext("Change")]
    rows = [
        [
            printable(mover.account.name),
            cut(printable(image.name)),
            trend_words.kind_text(words, image),
            own_words.rounded_change(words, one, image),
        ]
        for mover in one.movers
        for image in mover.images
    ]
    return table(titles, rows, numbers=1)


def _idle(trend: AccountsTrend, one: CurrencyTrend, words: Words) -> str:
    text = trend_words.idle_text(words, trend.idle_since, one.idle_count, one.saving)
    lines = [*heading(words.gettext("Idle images"), "-"), "", filled(text)]
    if one.idle:
        more = own_words.more_idle_text(words, len(one.idle))
        note = filled(trend_words.idle_note(words, one.idle_count, more))
        lines += [note, "", *_table(one.idle, one.unit, words)]
    return "\n".join(lines)


def _images(title: str, images: Sequence[OwnedImage], unit: str, words: Words) -> str:
    return "\n".join([*heading(title, "-"), "", *_table(images, unit, words)]) if images else ""


def _table(images: Sequence[OwnedImage], unit: str, words: Words) -> list[str]:
    titles = [
        words.gettext("Name"),
        words.gettext("Account"),
        words.gettext("Available since"),
        words.gettext("Last deployment"),
        words.gettext("Size"),
        words.gettext("Per month"),
    ]
    rows = [
        [
            printable(one.image.name),
            cut(printable(one.account.name)),
            trend_words.available_text(words, one.image),
            trend_words.deployed_text(words, one.image),
            trend_words.size_text(words, one.image, unit),
            words.amount(one.image.monthly),
        ]
        for one in images
    ]
    return table(titles, rows, numbers=2)
