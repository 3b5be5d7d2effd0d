"""What the Typst template of the trend is given, in the reader's words. Computes nothing."""

from collections.abc import Sequence

from instance_images.names import printable
from instance_images_reports.formats.name_parts import name_parts
from instance_images_reports.formats.pdf.tables import Values
from instance_images_reports.formats.pdf.values import page_values
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.compute import in_currency_digits
from instance_images_reports.trend.pdf_parts import (
    change_values,
    name_values,
    periods_values,
    stored_values,
    table_values,
)
from instance_images_reports.trend.trend import Mover, StoredImage, Trend
from instance_images_reports.wording import sentences
from instance_images_reports.wording.words import Words


def trend_values(trend: Trend, words: Words, paper: str) -> Values:
    """Return all values of the trend of one account."""
    last = words.month_of(trend.periods[-1].period)
    heading = words.gettext("Trend of image charges")
    more_idle = trend_words.more_idle_text(words)
    return {
        **page_values(words, trend.account.name, last, paper),
        "title": f"{heading}, {printable(trend.account.name)}, {last}",
        "heading": heading,
        "account": {"name": name_parts(trend.account.name), "id": trend.account.id},
        "months": f"{words.month_of(trend.periods[0].period)} – {last}",  # noqa: RUF001
        "total": {"title": last, "amount": words.money(trend.bridge.after)},
        "coverage": trend_words.coverage_text(words, trend.periods),
        "facts": [
            [words.gettext("Account ID"), printable(trend.account.id)],
            [words.gettext("Time zone"), trend.timezone],
            [words.gettext("Currency"), trend.currency],
        ],
        "change": {
            "title": words.gettext("Why the charge changed"),
            **change_values(trend, words),
        },
        "periods": periods_values(trend, words),
        "movers": {
            "title": words.gettext("Largest changes"),
            "count": sentences.images_text(words, trend.movers_count),
            "table": _movers([in_currency_digits(one, trend) for one in trend.movers], words),
        }
        if trend.movers
        else None,
        "idle": {
            "title": words.gettext("Idle images"),
            "text": trend_words.idle_text(words, trend.idle_since, len(trend.idle), trend.saving),
            "note": trend_words.idle_note(words, len(trend.idle), more_idle) if trend.idle else "",
            "tables": _stored(
                words.gettext("Idle images"), trend_words.shown_idle(trend), trend, words
            ),
        },
        "stored": {
            "title": words.gettext("Stored images"),
            "count": sentences.images_text(words, trend.stored_count),
            "tables": _stored(words.gettext("Largest images"), trend.largest, trend, words)
            + _stored(words.gettext("Oldest images"), trend.oldest, trend, words),
        }
        if trend.largest
        else None,
    }


def _movers(movers: Sequence[Mover], words: Words) -> Values:
    rows = [
        [
            "",
            trend_words.signed_amount(words, one.change),
            *(
                trend_words.part_text(words, one, amount)
                for amount in (one.price, one.volume, one.duration)
            ),
        ]
        for one in movers
    ]
    titles = [
        (words.gettext("Name"), ""),
        (words.gettext("Change"), words.currency),
        (words.gettext("Price"), ""),
        (words.gettext("Volume"), ""),
        (words.gettext("Duration"), ""),
    ]
    kinds = [trend_words.kind_text(words, one) for one in movers]
    names = [
        name_values(one.name, f"{one.location}, {kind}" if kind else one.location)
        for one, kind in zip(movers, kinds, strict=True)
    ]
    return table_values(titles, rows, names)


def _stored(title: str, images: Sequence[StoredImage], trend: Trend, words: Words) -> list[Values]:
    return stored_values(title, [(one, one.location) for one in images], trend, words)
