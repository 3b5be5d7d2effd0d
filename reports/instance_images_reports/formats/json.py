"""The Cloud Usage report as JSON: the contract that other programs rely on.

Owns the names and the order of the fields, and how quantities and instants are written in them;
the CSV takes a line's fields from here. Computes nothing. Fields are added, never renamed.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from instance_images.instants import format_instant
from instance_images_billing.pricing.money import NANOS_PER_UNIT, price_text
from instance_images_reports.formats.json_text import JSON, PLAIN, Rows, indented, json_string
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement.budget import BudgetUse
from instance_images_reports.statement.charges import ChargeLine, ChargeSection
from instance_images_reports.statement.statement import (
    Adjustment,
    Comparison,
    Forecast,
    Line,
    Section,
    Share,
    Statement,
    only_section,
)

FORECAST_BASIS = (
    "the charges so far, plus the images still stored until the period ends at the known rates,"
    " less free storage, plus the difference to the minimum charge"
)

JsonFields = dict[str, object]

# The fields of a line, in the order of the contract; new ones are added at the end.
LINE_FIELDS = {
    "image_id": JSON,
    "name": JSON,
    "location": JSON,
    "source_instance_name": JSON,
    "size_bytes": JSON,
    "billable_from": PLAIN,
    "billable_until": PLAIN,
    "billable_seconds": JSON,
    "gb_hours": PLAIN,
    "rate": PLAIN,
    "amount_exact": PLAIN,
    "amount": PLAIN,
    "open": JSON,
    "unit": JSON,
    "hours_per_month": PLAIN,
    "partial_hour": JSON,
    "ending": PLAIN,
    "source_instance_id": JSON,
}
_DAY_FIELDS = {"day": PLAIN, "stored": PLAIN, "unit": JSON, "amount_exact": PLAIN}


def render_json(statement: Statement, presentation: Presentation = DEFAULT_PRESENTATION) -> str:
    """Return the report as one JSON object in ASCII.

    Names are kept as they are. Everything beyond ASCII is escaped, so that no name steers a
    terminal that the document is printed on.
    """
    return indented(_report(statement)) + "\n"


def render_section(
    statement: Statement, section_name: str, presentation: Presentation = DEFAULT_PRESENTATION
) -> str:
    """Return one section as it stands in the report, as a JSON object in ASCII."""
    alone = only_section(statement, section_name)
    [fields] = _sections(alone)
    return indented(fields) + "\n"


def line_texts(line: Line, text: Callable[[str], str]) -> tuple[str, ...]:
    """Return the values of a line in the order of its fields; ``text`` writes what is no number.

    A tuple, for one is made for each image.
    """
    return (
        text(line.image_id),
        text(line.name),
        text(line.location),
        text(line.source_instance_name),
        f"{line.size_bytes}",
        format_instant(line.billable_from),
        format_instant(line.billable_until),
        f"{line.billable_seconds}",
        f"{line.unit_hours:f}",
        rate_text(line.rate),
        f"{line.amount_exact:f}",
        f"{line.amount:f}",
        "true" if line.is_open else "false",
        text(line.unit),
        line.hours_per_month,
        text(line.partial_hour),
        line.ending,
        text(line.source_instance_id),
    )


def decimal_text(number: Decimal) -> str:
    """Return the number with all of its decimals, never with an exponent."""
    return f"{number:f}"


@lru_cache(1024)
def rate_text(rate: Decimal) -> str:
    """Return a rate as it was set, with two decimals at least: ``0.05``."""
    return price_text(int(rate * NANOS_PER_UNIT))


def _report(statement: Statement) -> JsonFields:
    period, metered_until = statement.period, statement.metered_until
    return {
        "report": "cloud-usage",
        "account": {"id": statement.account.id, "name": statement.account.name},
        "period": {
            "name": period.name,
            "start": format_instant(period.start),
            "end": format_instant(period.end),
            "timezone": statement.timezone,
            "state": statement.period_state,
        },
        "currency": statement.currency,
        "metered_until": None if metered_until is None else format_instant(metered_until),
        "total": decimal_text(statement.total),
        "sections": _sections(statement),
        "budget": None if statement.budget is None else _budget(statement.budget),
    }


def _budget(budget: BudgetUse) -> JsonFields:
    """Return the fields of a budget; the forecast's are null where no hour is left to be closed."""
    forecast, percent = budget.forecast, budget.forecast_percent
    return {
        "amount": decimal_text(budget.amount),
        "charged": decimal_text(budget.charged),
        "percent": decimal_text(budget.percent),
        "forecast": None if forecast is None else decimal_text(forecast),
        "forecast_percent": None if percent is None else decimal_text(percent),
    }


def _sections(statement: Statement) -> list[JsonFields]:
    return [
        *(_section(section) for section in statement.sections),
        *(_added_section(section) for section in statement.added),
    ]


def _added_section(section: ChargeSection) -> JsonFields:
    return {
        "name": section.name,
        "title": section.title,
        "total": decimal_text(section.total),
        "lines": [charge_fields(line) for line in section.lines],
        "adjustments": [],
    }


def charge_fields(line: ChargeLine) -> JsonFields:
    """Return the fields of a line of an added section; ``quantity`` and ``rate`` can be null."""
    return {
        "name": line.name,
        "details": line.details,
        "location": line.location,
        "quantity": None if line.quantity is None else decimal_text(line.quantity),
        "unit": line.unit,
        "rate": None if line.rate is None else decimal_text(line.rate),
        "amount_exact": decimal_text(line.amount_exact),
        "amount": decimal_text(line.amount),
    }


def _section(section: Section) -> JsonFields:
    return {
        "name": section.name,
        "title": section.title,
        "total": decimal_text(section.total),
        "lines": Rows(LINE_FIELDS, [line_texts(line, json_string) for line in section.lines]),
        "adjustments": [adjustment_fields(adjustment) for adjustment in section.adjustments],
        "subtotals": [
            {
                "location": subtotal.location,
                "images": subtotal.images_count,
                "amount": decimal_text(subtotal.amount),
            }
            for subtotal in section.subtotals
        ],
        "shares": [_share(share) for share in section.shares],
        "previous": None if section.comparison is None else _comparison(section.comparison),
        "forecast": None if section.forecast is None else _forecast(section.forecast),
        "days": _days(section),
    }


def _days(section: Section) -> Rows:
    unit = json_string(section.unit)
    return Rows(
        _DAY_FIELDS,
        [
            (day.day.isoformat(), f"{day.stored_units:f}", unit, f"{day.amount_exact:f}")
            for day in section.days
        ],
    )


def _share(share: Share) -> JsonFields:
    """Return the fields of a share; ``image_id`` is null where it is of several images."""
    return {
        "image_id": share.image_id or None,
        "name": share.name,
        "location": share.location,
        "images": share.images_count,
        "amount": decimal_text(share.amount),
        "percent": decimal_text(share.percent),
    }


def _comparison(comparison: Comparison) -> JsonFields:
    percent = comparison.percent
    return {
        "period": comparison.period.name,
        "total": decimal_text(comparison.total),
        "difference": decimal_text(comparison.difference),
        "percent": None if percent is None else decimal_text(percent),
    }


def _forecast(forecast: Forecast) -> JsonFields:
    return {
        "total": decimal_text(forecast.total),
        "charged": decimal_text(forecast.charged),
        "expected": decimal_text(forecast.expected),
        "images": forecast.images_count,
        "basis": FORECAST_BASIS,
    }


def adjustment_fields(adjustment: Adjustment) -> JsonFields:
    """Return the fields of an adjustment, in the order of the contract; new ones at the end."""
    until = adjustment.until
    return {
        "image_id": adjustment.image_id,
        "hour": format_instant(adjustment.hour),
        "reason": adjustment.reason,
        "amount": decimal_text(adjustment.amount),
        "kind": adjustment.kind,
        "location": adjustment.location,
        "until": None if until is None else format_instant(until),
        "amount_exact": decimal_text(adjustment.amount_exact),
        "name": adjustment.name,
        "entry": adjustment.entry,
        "reverses": adjustment.reverses,
    }
