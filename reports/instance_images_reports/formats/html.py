"""The Cloud Usage report as one HTML file, to be read on a screen or on paper.

Owns what the page shows; how it looks is in ``templates``, its words are those of ``sentences``
and of the template. The file asks for nothing else: no script, no font, no picture. Computes
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from instance_images.names import printable
from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.formats.charts import daily_bars, part_bar
from instance_images_reports.formats.templating import render_template
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement.statement import Section, Statement, only_section
from instance_images_reports.wording import sentences
from instance_images_reports.wording.words import Words, words_for

if TYPE_CHECKING:
    from markupsafe import Markup

PAGE, FRAGMENT = "cloud-usage.html.j2", "section.html.j2"


@dataclass(frozen=True, slots=True)
class _Chart:
    """A drawing with its title."""

    title: str
    svg: "Markup"


@dataclass(frozen=True, slots=True)
class _Bar:
    """A row of a chart of rows: what it is of, its bar, and the numbers beside it."""

    label: str
    svg: "Markup"
    amount: str
    percent: str = ""
    note: str = ""


def render_html(statement: Statement, presentation: Presentation = DEFAULT_PRESENTATION) -> str:
    """Return the page. Its instants are in the time zone of the period."""
    return render_page(PAGE, statement, presentation)


def render_page(
    template: str, statement: Statement, presentation: Presentation, **more: object
) -> str:
    """Return the page that the template makes of the statement, and of ``more``."""
    words = words_for(statement, presentation)
    values = {
        "statement": statement,
        "sections": [
            (section, *_charts(section, statement, words)) for section in statement.sections
        ],
        "unit_bytes": UNIT_BYTES,
        **more,
    }
    return render_template(template, words, presentation.template_directories, values)


def render_section(
    statement: Statement, section_name: str, presentation: Presentation = DEFAULT_PRESENTATION
) -> str:
    """Return one section as an element for a page of somebody else's, with a style of its own."""
    alone = only_section(statement, section_name)
    return render_page(FRAGMENT, alone, presentation)


# --------------------------------------------------------------------------- charts


def _charts(
    section: Section, statement: Statement, words: Words
) -> tuple[list[_Chart], list[_Bar], list[_Bar]]:
    return (
        _daily_charts(section, words),
        _share_bars(section, words),
        _comparison_bars(section, statement, words),
    )


def _daily_charts(section: Section, words: Words) -> list[_Chart]:
    if not section.days:
        return []
    stored = [day.stored_units for day in section.days]
    charges = [day.amount_exact for day in section.days]
    currency = words.currency
    return [
        _chart(
            section,
            words,
            words.gettext("%(unit)s stored per day, on average", unit=section.unit),
            stored,
        ),
        _chart(
            section,
            words,
            words.gettext("%(currency)s charged per day", currency=currency),
            charges,
        ),
    ]


def _chart(section: Section, words: Words, title: str, values: Sequence[Decimal]) -> _Chart:
    days = [day.day for day in section.days]
    description = words.gettext(
        "Bar chart: %(title)s, from %(first)s to %(last)s. The lowest value is %(lowest)s, the"
        " highest %(highest)s. All of them are listed below, by day.",
        title=title,
        first=words.day(days[0]),
        last=words.day(days[-1]),
        lowest=words.plain(min(values)),
        highest=words.plain(max(values)),
    )
    svg = daily_bars(
        days,
        values,
        titles=[
            f"{words.day(day)}: {words.plain(value)}"
            for day, value in zip(days, values, strict=True)
        ],
        number_text=words.amount,
        description=printable(description),
    )
    return _Chart(title, _markup(svg))


def _share_bars(section: Section, words: Words) -> list[_Bar]:
    largest = max((share.percent for share in section.shares), default=Decimal(0))
    return [
        _Bar(
            share.name
            if share.images_count == 1
            else sentences.others_text(words, share.images_count),
            _markup(
                part_bar(
                    share.percent,
                    largest,
                    css_class="bar" if share.images_count == 1 else "bar-pale",
                )
            ),
            words.amount(share.amount),
            words.percent(share.percent),
        )
        for share in section.shares
    ]


def _comparison_bars(section: Section, statement: Statement, words: Words) -> list[_Bar]:
    """Return the period before, this one, and its forecast, as far as there are any."""
    before, forecast = section.comparison, section.forecast
    if before is None and forecast is None:
        return []
    this_month = words.month_of(statement.period)
    rows = [] if before is None else [(words.month_of(before.period), before.total, "", "bar-pale")]
    so_far = words.gettext("so far") if forecast else ""
    rows.append((this_month, section.total, so_far, "bar"))
    if forecast:
        rows.append((this_month, forecast.total, words.gettext("forecast"), "bar-forecast"))
    largest = max(amount for _, amount, _, _ in rows)
    return [
        _Bar(
            month,
            _markup(part_bar(amount, largest, css_class=css_class)),
            words.amount(amount),
            note=note,
        )
        for month, amount, note, css_class in rows
    ]


def _markup(svg: str) -> "Markup":
    from markupsafe import Markup

    return Markup(svg)  # noqa: S704 - numbers and our own words, escaped
