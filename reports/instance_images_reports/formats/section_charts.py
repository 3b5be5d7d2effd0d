"""The charts of a section, with their words: the same on the page and in the PDF."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from instance_images.names import printable
from instance_images_reports.formats.charts import daily_bars, part_bar
from instance_images_reports.statement.statement import Section, Statement
from instance_images_reports.wording import sentences
from instance_images_reports.wording.words import Words

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its title, and with what is read aloud in its place."""

    title: str
    description: str
    svg: "Markup"


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a chart of rows: what it is of, its bar, and the numbers beside it."""

    label: str
    svg: "Markup"
    amount: str
    percent: str = ""
    note: str = ""


def section_charts(
    section: Section, statement: Statement, words: Words
) -> tuple[list[Chart], list[Bar], list[Bar]]:
    """Return the charts of days, of images, and of this period beside the one before."""
    return (
        _daily_charts(section, words),
        _share_bars(section, words),
        _comparison_bars(section, statement, words),
    )


def _daily_charts(section: Section, words: Words) -> list[Chart]:
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


def _chart(section: Section, words: Words, title: str, values: Sequence[Decimal]) -> Chart:
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
    return Chart(title, printable(description), _markup(svg))


def _share_bars(section: Section, words: Words) -> list[Bar]:
    largest = max((share.percent for share in section.shares), default=Decimal(0))
    return [
        Bar(
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


def _comparison_bars(section: Section, statement: Statement, words: Words) -> list[Bar]:
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
        Bar(
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
