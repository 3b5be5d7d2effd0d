"""The Cloud Usage report as one HTML file, to be read on a screen or on paper.

Owns what the page shows; how it looks is in ``templates``, its words are those of the text. The
file asks for nothing else: no script, no font, no picture. Computes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from instance_images.config import UNIT_BYTES
from instance_images.instants import format_instant
from instance_images.names import printable
from instance_images_reports import text_format
from instance_images_reports.charts import bar_chart_svg
from instance_images_reports.formats import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.json_format import rate_text
from instance_images_reports.statement import Section, Statement

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class _Chart:
    title: str
    svg: "Markup"


def render_html(statement: Statement, presentation: Presentation = DEFAULT_PRESENTATION) -> str:
    """Return the page. Its instants are in the time zone of the period."""
    environment = _environment(ZoneInfo(statement.timezone), statement.currency)
    return environment.get_template("cloud-usage.html.j2").render(
        statement=statement,
        month=text_format.month_text(statement),
        coverage=text_format.coverage_text(statement),
        sections=[(section, _charts(section, statement)) for section in statement.sections],
        unit_bytes=UNIT_BYTES,
        adjustment_titles=text_format.ADJUSTMENT_TITLES,
    )


def _environment(zone: ZoneInfo, currency: str) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("instance_images_reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "money": partial(text_format.money_text, currency=currency),
        "amount": text_format.amount_text,
        "quantity": text_format.quantity_text,
        "duration": text_format.duration_text,
        "size": text_format.size_text,
        "rate": rate_text,
        "unit": text_format.unit_text,
        "quantity_title": text_format.quantity_title,
        "stored": text_format.stored_text,
        "terms": text_format.terms_text,
        "utc": format_instant,
        "instant": partial(text_format.instant_text, zone=zone),
        "date": partial(text_format.date_text, zone=zone, pattern="d MMM yyyy"),
        "time": partial(text_format.date_text, zone=zone, pattern="HH:mm:ss"),
    }
    return environment


def _harmless(value: object) -> object:
    """Make every text that the template prints printable; jinja escapes it afterwards."""
    return printable(value) if type(value) is str else value


def _charts(section: Section, statement: Statement) -> list[_Chart]:
    if not section.days:
        return []
    stored = [day.stored_units for day in section.days]
    charges = [day.amount_exact for day in section.days]
    return [
        _chart(section, "stored", f"{section.unit} stored, mean of the day", stored),
        _chart(section, "charges", f"{statement.currency} charged per day", charges),
    ]


def _chart(section: Section, name: str, title: str, values: Sequence[Decimal]) -> _Chart:
    from markupsafe import Markup

    days = [day.day for day in section.days]
    description = (
        f"Bar chart: {title}, from {days[0]} to {days[-1]}. The lowest value is"
        f" {min(values):f}, the highest {max(values):f}. All of them are listed below, by day."
    )
    svg = bar_chart_svg(days, values, chart_id=f"{section.name}-{name}", description=description)
    return _Chart(title, Markup(svg))  # noqa: S704 - numbers and our own words, escaped
