"""What a report says to people, beside its numbers: titles, notes and sentences.

Every format that people read takes its texts from here, or from its own template. They are English
messages of the catalogue, put into the reader's language by ``Words``.
"""

from collections.abc import Iterable

from instance_images_reports.statement.adjustments import ALLOWANCE, CORRECTION, MINIMUM
from instance_images_reports.statement.budget import BudgetUse
from instance_images_reports.statement.statement import (
    Adjustment,
    Comparison,
    Ending,
    Forecast,
    Line,
    Section,
    Statement,
)
from instance_images_reports.wording.words import Words


def section_title(words: Words, section: Section) -> str:
    """Return the section's title; a section that somebody added has brought its own words."""
    return words.gettext("Images") if section.name == "images" else section.title


def section_total_title(words: Words, section: Section) -> str:
    """Return what the total of the section is called."""
    return words.gettext("%(section)s total", section=section_title(words, section))


def state_text(words: Words, statement: Statement) -> str:
    """Return whether the period is closed, in a word."""
    closed = statement.period_state == "closed"
    return words.gettext("closed") if closed else words.gettext("open")


def coverage_text(words: Words, statement: Statement) -> str:
    """Return what the report does not hold yet, or that nothing in it changes any more."""
    metered_until = statement.metered_until
    if metered_until is None:
        return words.gettext(
            "Not every location is metered yet in this period: charges are missing from this"
            " report."
        )
    if metered_until < statement.period.end:
        return words.gettext(
            "Charges after %(instant)s are not in this report yet. The period ends on %(end)s.",
            instant=words.instant(metered_until),
            end=words.instant(statement.period.end),
        )
    if statement.period_state == "open":
        return words.gettext(
            "The whole period is metered. It is still open: corrections can be added until it is"
            " closed."
        )
    return words.gettext("The period is closed: its charges are final.")


def counts_text(words: Words, section: Section) -> str:
    """Return how many images go on being charged, and how many were deleted in the period."""
    sentences = [_stored_text(words, section)]
    if section.deleted_count:
        sentences.append(
            words.ngettext(
                "%(count)s image was deleted in this period.",
                "%(count)s images were deleted in this period.",
                section.deleted_count,
            )
        )
    return " ".join(sentences)


def _stored_text(words: Words, section: Section) -> str:
    count = section.stored_count
    if count == 0:
        return words.gettext("No image is still stored.")
    if any(line.ending is Ending.STORED for line in section.lines):
        return words.ngettext(
            "%(count)s image is still stored.", "%(count)s images are still stored.", count
        )
    return words.ngettext(
        "%(count)s image was still stored when the period ended.",
        "%(count)s images were still stored when the period ended.",
        count,
    )


def ending_text(words: Words, line: Line) -> str:
    """Return why the line ends, in a word or two."""
    return {
        Ending.STORED: words.gettext("still stored"),
        Ending.PERIOD_ENDED: words.gettext("end of period"),
        Ending.DELETED: words.gettext("deleted"),
        Ending.RATE_CHANGED: words.gettext("rate changed"),
        Ending.SIZE_CHANGED: words.gettext("size changed"),
        Ending.OWNER_CHANGED: words.gettext("owner changed"),
    }[line.ending]


def adjustment_title(words: Words, adjustment: Adjustment) -> str:
    """Return what kind of charge stands beside the lines."""
    return {
        CORRECTION: words.gettext("Adjustment"),
        ALLOWANCE: words.gettext("Allowance"),
        MINIMUM: words.gettext("Minimum charge"),
    }[adjustment.kind]


def images_text(words: Words, count: int) -> str:
    """Return ``3 images``."""
    return words.ngettext("%(count)s image", "%(count)s images", count)


def others_text(words: Words, count: int) -> str:
    """Return what the images are called together that are not shown alone."""
    return words.ngettext("%(count)s other image", "%(count)s other images", count)


def forecast_basis(words: Words, forecast: Forecast) -> str:
    """Return what a forecast rests on."""
    if forecast.images_count == 0 and forecast.others_count:
        return words.gettext(
            "A forecast, not a charge: %(charged)s so far; the images still stored are charged"
            " in another currency.",
            charged=words.money(forecast.charged),
        )
    if forecast.images_count == 0:
        return words.gettext(
            "A forecast, not a charge: %(charged)s so far; no image was stored when the last hour"
            " was metered.",
            charged=words.money(forecast.charged),
        )
    return words.ngettext(
        "A forecast, not a charge: %(charged)s so far, and %(expected)s if the image still"
        " stored is kept until the period ends, at the known rates.",
        "A forecast, not a charge: %(charged)s so far, and %(expected)s if the %(count)s images"
        " still stored are kept until the period ends, at the known rates.",
        forecast.images_count,
        charged=words.money(forecast.charged),
        expected=words.money(forecast.expected),
    )


def comparison_text(words: Words, comparison: Comparison) -> str:
    """Return by how much the period differs from the one before it."""
    month, difference = words.month_of(comparison.period), comparison.difference
    if difference == 0:
        return words.gettext("As much as in %(month)s.", month=month)
    amount = words.money(abs(difference))
    if comparison.percent is not None:
        amount += f" ({words.percent(comparison.percent, signed=True)})"
    if difference > 0:
        return words.gettext("%(amount)s more than in %(month)s.", amount=amount, month=month)
    return words.gettext("%(amount)s less than in %(month)s.", amount=amount, month=month)


def budget_text(words: Words, budget: BudgetUse) -> str:
    """Return how much of the monthly budget is used, and what is expected."""
    if budget.forecast is None or budget.forecast_percent is None:
        return words.gettext(
            "%(amount)s, %(percent)s used",
            amount=words.money(budget.amount),
            percent=words.percent(budget.percent),
        )
    return words.gettext(
        "%(amount)s, %(percent)s used, forecast %(forecast)s (%(forecast_percent)s)",
        amount=words.money(budget.amount),
        percent=words.percent(budget.percent),
        forecast=words.money(budget.forecast),
        forecast_percent=words.percent(budget.forecast_percent),
    )


def unit_text(words: Words, section: Section) -> str:
    """Return the unit that all lines are charged by, or ``unit`` where there are several."""
    units = {line.unit for line in section.lines} or {section.unit}
    return units.pop() if len(units) == 1 else words.gettext("unit")


def quantity_title(words: Words, section: Section) -> str:
    """Return what the column of quantities is called: ``GB-Hours``."""
    unit = unit_text(words, section)
    return words.gettext("%(unit)s-Hours", unit=f"{unit[0].upper()}{unit[1:]}")


def terms_text(words: Words, lines: Iterable[Line]) -> str:
    """Return how the rates of the lines count months and partial hours."""
    lines = list(lines)
    months = sorted({line.hours_per_month for line in lines})
    partial = {line.partial_hour for line in lines}
    sentences = [
        words.gettext("A month counts its real hours.")
        if month == "calendar"
        else words.gettext("A month counts %(hours)s hours.", hours=month)
        for month in months
    ]
    if "round_up" in partial:
        sentences.append(words.gettext("The first and last hours of an image are charged in full."))
    if "prorate" in partial:
        sentences.append(
            words.gettext("The first and last hours of an image are charged by the second.")
        )
    return " ".join(sentences)
