"""The Cloud Usage report as one HTML file, to be read on a screen or on paper.

Owns what the page shows; how it looks is in ``templates``, its words are those of ``sentences``
and of the template. The file asks for nothing else: no script, no font, no picture. Computes
nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from instance_images.config import UNIT_BYTES
from instance_images.instants import format_instant
from instance_images.names import printable
from instance_images_reports import sentences
from instance_images_reports.charts import daily_bars, part_bar
from instance_images_reports.formats import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement import Section, Statement
from instance_images_reports.words import Words, words_for

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


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
    words = words_for(statement, presentation)
    sections = [
        (
            section,
            _daily_charts(section, words),
            _share_bars(section, words),
            _comparison_bars(section, statement, words),
        )
        for section in statement.sections
    ]
    return (
        environment(words)
        .get_template("cloud-usage.html.j2")
        .render(statement=statement, words=words, sections=sections, unit_bytes=UNIT_BYTES)
    )


def environment(words: Words) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("instance_images_reports"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters |= {
        "money": words.money,
        "amount": words.amount,
        "quantity": words.quantity,
        "integer": words.integer,
        "duration": words.duration,
        "size": words.size,
        "rate": words.rate,
        "utc": format_instant,
        "instant": words.instant,
        "date": words.date_of,
        "time": words.time_of,
        "moment": words.moment,
        "day": words.day,
        "month": words.month_of,
        **_sentence_filters(words),
    }
    return environment


def _sentence_filters(words: Words) -> dict[str, Callable[..., str]]:
    return {
        name: partial(sentence, words)
        for name, sentence in (
            ("section_title", sentences.section_title),
            ("section_total_title", sentences.section_total_title),
            ("state", sentences.state_text),
            ("coverage", sentences.coverage_text),
            ("counts", sentences.counts_text),
            ("ending", sentences.ending_text),
            ("adjustment_title", sentences.adjustment_title),
            ("adjustment_reason", sentences.adjustment_reason),
            ("images", sentences.images_text),
            ("forecast_basis", sentences.forecast_basis),
            ("comparison", sentences.comparison_text),
            ("unit", sentences.unit_text),
            ("quantity_title", sentences.quantity_title),
            ("terms", sentences.terms_text),
        )
    }


def _harmless(value: object) -> object:
    """Make every text that the template prints printable; jinja escapes it afterwards."""
    return printable(value) if type(value) is str else value


# --------------------------------------------------------------------------- charts


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
        number_text=words.plain,
        day_text=words.day,
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
            _markup(part_bar(share.percent, largest)),
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
    rows = (
        [] if before is None else [(words.month_of(before.period), before.total, "", "bar-before")]
    )
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
