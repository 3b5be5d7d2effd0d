"""A section as the Typst template of the report is given it. Computes nothing."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from instance_images.names import printable
from instance_images_reports.formats.name_parts import name_parts
from instance_images_reports.formats.pdf.tables import MOMENT, NAME, Column, Values, widest
from instance_images_reports.formats.section_charts import Bar, Chart, section_charts
from instance_images_reports.statement.charges import ChargeSection
from instance_images_reports.statement.statement import (
    Adjustment,
    Ending,
    Line,
    LocationPart,
    Section,
    Statement,
)
from instance_images_reports.wording import sentences
from instance_images_reports.wording.reasons import adjustment_reason
from instance_images_reports.wording.words import Words


def section_values(section: Section, statement: Statement, words: Words) -> Values:
    """Return the values of a section of images."""
    daily, shares, comparison = section_charts(section, statement, words)
    currency = statement.currency
    note = ""
    if section.forecast:
        note = sentences.forecast_basis(words, section.forecast)
    elif section.comparison:
        note = sentences.comparison_text(words, section.comparison)
    return {
        "name": section.name,
        "title": sentences.section_title(words, section),
        "counts": sentences.counts_text(words, section) if section.lines else "",
        "charts": [_chart(chart) for chart in daily],
        "bars": [
            _bars(
                words.gettext(
                    "Share of each image, %(currency)s before adjustments", currency=currency
                ),
                shares,
            ),
            _bars(
                words.gettext("This period and the one before, %(currency)s", currency=currency),
                comparison,
                note,
            ),
        ],
        "table": _table(section, statement, words),
        "nothing": words.gettext("No image was charged."),
        "days": _days(section, statement, words),
    }


def _chart(chart: Chart) -> Values:
    return {"title": chart.title, "svg": standalone(chart.svg), "description": chart.description}


def standalone(svg: str) -> str:
    """Return the drawing as a file of its own, with the font of the PDF."""
    drawing = str(svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return drawing.replace('font-family="sans-serif"', 'font-family="DejaVu Sans"')


def _bars(title: str, bars: Sequence[Bar], note: str = "") -> Values:
    rows = [
        {
            "label": name_parts(bar.label),
            "note": bar.note,
            "percent": bar.percent,
            "amount": bar.amount,
            "svg": standalone(bar.svg),
        }
        for bar in bars
    ]
    return {"title": title, "rows": rows, "note": note}


def _table(section: Section, statement: Statement, words: Words) -> Values | None:
    if not section.lines and not section.adjustments:
        return None
    with_subtotals = len(section.subtotals) > 1
    groups = [_group(part, words, with_subtotal=with_subtotals) for part in section.by_location]
    return {
        "caption": words.gettext(
            "Charges of %(month)s. Times are those of %(timezone)s.",
            month=words.month_of(statement.period),
            timezone=statement.timezone,
        ),
        "columns": [one.values() for one in _columns(section, statement, words, groups)],
        "groups": groups,
        "total": {
            "title": sentences.section_total_title(words, section),
            "amount": words.amount(section.total),
        },
    }


def _columns(
    section: Section, statement: Statement, words: Words, groups: list[Values]
) -> list[Column]:
    lines = [row["cells"] for group in groups for row in group["rows"] if row["kind"] == "line"]
    beside = [row for group in groups for row in group["rows"] if row["kind"] == "beside"]
    moments = [cell for cells in lines for cell in cells[4:6] if cell["date"]]
    moments += [cell for row in beside for cell in (row["from"], row["until"]) if cell]
    clocks = widest(text for cell in moments for text in (cell["date"], cell["time"]))
    charges = [
        *(cells[9] for cells in lines),
        *(row["amount"] for row in beside),
        *(group["subtotal"]["amount"] for group in groups if group["subtotal"]),
        words.amount(section.total),
    ]
    columns = [widest(cells[column] for cells in lines) for column in (3, 6, 7, 8)]
    currency = statement.currency
    return [
        Column(words.gettext("Name"), NAME, share=1.35),
        Column(words.gettext("Source Instance"), NAME),
        Column(words.gettext("Location"), NAME, share=0.85),
        Column(words.gettext("Size"), widest=columns[0]),
        Column(words.gettext("Billable from"), MOMENT, widest=clocks),
        Column(words.gettext("Billable until"), MOMENT, widest=clocks),
        Column(words.gettext("Hours"), unit=words.gettext("h:mm:ss"), widest=columns[1]),
        Column(sentences.quantity_title(words, section), widest=columns[2]),
        Column(
            words.gettext("Rate"),
            unit=words.gettext(
                "%(currency)s per %(unit)s and month",
                currency=currency,
                unit=sentences.unit_text(words, section),
            ),
            widest=columns[3],
        ),
        Column(words.gettext("Charge"), unit=currency, widest=widest(charges)),
    ]


def _group(part: LocationPart, words: Words, *, with_subtotal: bool) -> Values:
    subtotal = part.subtotal
    return {
        "rows": [_line(line, words) for line in part.lines]
        + [_beside(one, words) for one in part.adjustments],
        "subtotal": {
            "title": words.gettext("Subtotal"),
            "location": name_parts(subtotal.location),
            "count": sentences.images_text(words, subtotal.images_count),
            "amount": words.amount(subtotal.amount),
        }
        if with_subtotal
        else None,
    }


def _line(line: Line, words: Words) -> Values:
    ending = sentences.ending_text(words, line)
    until = _moment(line.billable_until, words, ending)
    if line.ending is Ending.STORED:
        until = {"date": "", "time": "", "note": ending}
    return {
        "kind": "line",
        "ending": str(line.ending),
        "cells": [
            name_parts(line.name),
            name_parts(line.source_instance_name),
            name_parts(line.location),
            words.size(line),
            _moment(line.billable_from, words),
            until,
            words.duration(line.billable_seconds),
            words.quantity(line.unit_hours),
            words.rate(line.rate),
            words.amount(line.amount),
        ],
    }


def _beside(adjustment: Adjustment, words: Words) -> Values:
    about = adjustment.image_id and (adjustment.name or adjustment.image_id)
    return {
        "kind": "beside",
        "title": sentences.adjustment_title(words, adjustment),
        "name": name_parts(about) if about else None,
        "reason": name_parts(adjustment_reason(words, adjustment)),
        "image": f"{words.gettext('Image')} {printable(adjustment.image_id)}"
        if adjustment.image_id
        else "",
        "from": _moment(adjustment.hour, words),
        "until": _moment(adjustment.until, words) if adjustment.until else None,
        "amount": words.amount(adjustment.amount),
    }


def _moment(instant: datetime, words: Words, note: str = "") -> Values:
    return {"date": words.date_of(instant), "time": words.time_of(instant), "note": note}


def _days(section: Section, statement: Statement, words: Words) -> Values | None:
    if not section.days:
        return None
    rows = [
        [words.day(day.day), words.quantity(day.stored_units), words.amount(day.amount_exact)]
        for day in section.days
    ]
    return {
        "caption": words.gettext("By day, before rounding and without adjustments"),
        "columns": [
            {"title": words.gettext("Day"), "unit": ""},
            {
                "title": words.gettext("%(unit)s stored", unit=section.unit),
                "unit": words.gettext("on average"),
            },
            {"title": words.gettext("Charge"), "unit": statement.currency},
        ],
        "rows": rows,
    }


# ------------------------------------------------------------------- added sections


def added_values(section: ChargeSection, statement: Statement, words: Words) -> Values:
    """Return the values of a section that somebody added: a table."""
    rows = [
        {
            "kind": "line",
            "ending": "",
            "cells": [
                name_parts(line.name),
                name_parts(line.details),
                name_parts(line.location),
                _quantity(line.quantity, line.unit, words),
                words.rate(line.rate) if line.rate is not None else "",
                words.amount(line.amount),
            ],
        }
        for line in section.lines
    ]
    numbers: list[list[str]] = [
        widest(str(row["cells"][column]) for row in rows) for column in (3, 4, 5)
    ]
    currency, total = statement.currency, words.amount(section.total)
    columns = [
        Column(words.gettext("Name"), NAME, share=1.35),
        Column(words.gettext("Details"), NAME, share=1.35),
        Column(words.gettext("Location"), NAME, share=0.85),
        Column(words.gettext("Quantity"), widest=numbers[0]),
        Column(
            words.gettext("Rate"),
            unit=words.gettext("%(currency)s per unit", currency=currency),
            widest=numbers[1],
        ),
        Column(words.gettext("Charge"), unit=currency, widest=[*numbers[2], total]),
    ]
    return {
        "name": section.name,
        "title": printable(section.title),
        "counts": "",
        "charts": [],
        "bars": [],
        "table": {
            "caption": words.gettext(
                "Charges of %(month)s.", month=words.month_of(statement.period)
            ),
            "columns": [one.values() for one in columns],
            "groups": [{"rows": rows, "subtotal": None}],
            "total": {
                "title": words.gettext("%(section)s total", section=printable(section.title)),
                "amount": total,
            },
        },
        "nothing": "",
        "days": None,
    }


def _quantity(quantity: Decimal | None, unit: str, words: Words) -> str:
    return "" if quantity is None else f"{words.plain(quantity)} {printable(unit)}".strip()
