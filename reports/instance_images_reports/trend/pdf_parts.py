"""The parts that the PDFs of an account and of all accounts share. Computes nothing."""

from collections.abc import Sequence
from decimal import Decimal

from instance_images_reports.formats.charts import part_bar
from instance_images_reports.formats.name_parts import name_parts
from instance_images_reports.formats.pdf.section_values import standalone
from instance_images_reports.formats.pdf.tables import NAME, Column, Values, widest
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.trend import Course, StoredImage
from instance_images_reports.wording.words import Words


def change_values(trend: Course, words: Words) -> Values:
    """Return the answer in a sentence, the causes with their sum, and the chart of the months."""
    return {
        "text": trend_words.change_text(words, trend.periods, trend.bridge),
        "table": _causes(trend, words),
        "chart": _chart(trend, words),
    }


def _causes(trend: Course, words: Words) -> Values:
    return {
        "rows": [
            [title, trend_words.signed_amount(words, amount)]
            for title, amount in trend_words.bridge_rows(words, trend.periods, trend.bridge)
        ],
        "total": [
            words.gettext("Change"),
            trend.currency,
            trend_words.signed_amount(words, trend.bridge.change),
        ],
    }


def _chart(trend: Course, words: Words) -> Values:
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


def periods_values(trend: Course, words: Words) -> Values:
    """Return the table of the periods, with what its columns show."""
    return {
        "title": words.gettext("Periods"),
        "table": _periods(trend, words),
        "note": f"{trend_words.share_note(words)} {trend_words.price_note(words, trend.unit)}",
    }


def _periods(trend: Course, words: Words) -> Values:
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
    return table_values(titles, rows, [[row[0]] for row in rows])


def stored_values(
    title: str, images: Sequence[tuple[StoredImage, str]], trend: Course, words: Words
) -> list[Values]:
    """Return one table of the images and the notes below their names, or none without images."""
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
        for one, _ in images
    ]
    titles = [
        (words.gettext("Name"), ""),
        (words.gettext("Available since"), ""),
        (words.gettext("Last deployment"), ""),
        (words.gettext("Size"), ""),
        (words.gettext("Per month"), trend.currency),
    ]
    names = [name_values(one.name, note) for one, note in images]
    return [{"title": title, **table_values(titles, rows, names)}]


def name_values(name: str, note: str) -> Values:
    """Return a name and the note below it, in the parts between which they may break."""
    return {"name": name_parts(name), "note": name_parts(note)}


def table_values(
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
