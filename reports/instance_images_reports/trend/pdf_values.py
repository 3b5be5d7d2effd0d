"""What the Typst template of the trend is given, in the reader's words. Computes nothing."""

from collections.abc import Sequence
from decimal import Decimal

from instance_images.names import printable
from instance_images_reports.formats.charts import part_bar
from instance_images_reports.formats.name_parts import name_parts
from instance_images_reports.formats.pdf.section_values import standalone
from instance_images_reports.formats.pdf.tables import NAME, Column, Values, widest
from instance_images_reports.formats.pdf.values import page_values
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.compute import in_currency_digits
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
            "text": trend_words.change_text(words, trend.periods, trend.bridge),
            "table": _causes(trend, words),
        },
        "chart": _chart(trend, words),
        "periods": {
            "title": words.gettext("Periods"),
            "table": _periods(trend, words),
            "note": f"{trend_words.share_note(words)} {trend_words.price_note(words, trend.unit)}",
        },
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


def _causes(trend: Trend, words: Words) -> Values:
    return {
        "rows": [
            [title, trend_words.signed_amount(words, amount)]
            for title, amount in trend_words.bridge_rows(words, trend.bridge)
        ],
        "total": [
            words.gettext("Change"),
            trend.currency,
            trend_words.signed_amount(words, trend.bridge.change),
        ],
    }


def _chart(trend: Trend, words: Words) -> Values:
    months = trend_words.month_bars(trend.periods, trend.outlook)
    largest = max([*(total for _, total, _ in months), Decimal(0)])
    rows = [
        {
            "label": words.month_of(period),
            "note": words.gettext("forecast") if css_class == "bar-forecast" else "",
            "percent": "",
            "amount": words.amount(total),
            "svg": standalone(part_bar(total, largest, css_class=css_class)),
        }
        for period, total, css_class in months
    ]
    return {
        "title": f"{words.gettext('Charge by month')}, {trend.currency}",
        "rows": rows,
        "note": trend_words.forecast_text(words, trend.outlook),
    }


def _periods(trend: Trend, words: Words) -> Values:
    rows: list[list[str]] = [
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
    titles = [
        (words.gettext("Period"), ""),
        (trend_words.unit_months_title(words, trend.unit), ""),
        (words.gettext("Images"), ""),
        (words.gettext("Charge"), trend.currency),
        (words.gettext("Price"), trend.currency),
        (words.gettext("New"), ""),
        (words.gettext("Ended"), ""),
        (words.gettext("Grown"), ""),
    ]
    return _table(titles, rows, [[row[0]] for row in rows])


def _movers(movers: Sequence[Mover], words: Words) -> Values:
    rows = [
        [
            "",
            *(
                trend_words.signed_amount(words, amount)
                for amount in (one.change, one.price, one.volume, one.duration)
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
        _name(one.name, f"{one.location}, {kind}" if kind else one.location)
        for one, kind in zip(movers, kinds, strict=True)
    ]
    return _table(titles, rows, names)


def _stored(title: str, images: Sequence[StoredImage], trend: Trend, words: Words) -> list[Values]:
    """Return one table of the images with its title, or none."""
    if not images:
        return []
    rows = [
        [
            "",
            trend_words.available_text(words, one),
            trend_words.deployed_text(words, one),
            trend_words.size_text(words, one, trend.unit),
            words.amount(one.monthly),
        ]
        for one in images
    ]
    titles = [
        (words.gettext("Name"), ""),
        (words.gettext("Available since"), ""),
        (words.gettext("Last deployment"), ""),
        (words.gettext("Size"), ""),
        (words.gettext("Per month"), trend.currency),
    ]
    names = [_name(one.name, one.location) for one in images]
    return [{"title": title, **_table(titles, rows, names)}]


def _name(name: str, note: str) -> Values:
    return {"name": name_parts(name), "note": name_parts(note)}


def _table(
    titles: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], names: Sequence[object]
) -> Values:
    """Return a table whose first column has the names, and whose others have the rows' numbers."""
    columns = [
        Column(title, unit=unit, widest=widest(row[number] for row in rows))
        for number, (title, unit) in enumerate(titles)
    ]
    columns[0] = Column(titles[0][0], NAME)
    lines = [
        {"kind": "line", "ending": "", "cells": [name, *row[1:]]}
        for name, row in zip(names, rows, strict=True)
    ]
    return {
        "caption": "",
        "columns": [one.values() for one in columns],
        "groups": [{"rows": lines, "subtotal": None}],
        "total": None,
    }
