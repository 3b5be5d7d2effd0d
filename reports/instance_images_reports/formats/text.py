"""The Cloud Usage report as plain text, for a terminal or an e-mail.

Owns the layout; its words are those of ``sentences``. Computes nothing. Output has no colours and
no control characters.
"""

from instance_images.names import printable
from instance_images_reports.formats.wrapped_table import (
    MOMENT,
    NAME,
    Column,
    paragraph,
    wrapped_table,
)
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement.charges import ChargeSection
from instance_images_reports.statement.statement import Adjustment, Ending, Line, Section, Statement
from instance_images_reports.wording import sentences
from instance_images_reports.wording.reasons import adjustment_reason
from instance_images_reports.wording.words import Words, words_for

DEFAULT_WIDTH = 120


def render_text(
    statement: Statement,
    presentation: Presentation = DEFAULT_PRESENTATION,
    width: int = DEFAULT_WIDTH,
) -> str:
    """Return the report in lines of at most ``width`` cells.

    Numbers are never cut: where they need more, the lines are longer. Instants are in the time
    zone of the period.
    """
    words = words_for(statement, presentation)
    parts = [_header(statement, words), paragraph(sentences.coverage_text(words, statement), width)]
    for section in statement.sections:
        title = sentences.section_title(words, section)
        parts += [_heading(printable(title), "-"), _table(section, words, width)]
        parts += _comparison(section, statement, words, width)
    for added in statement.added:
        parts += [_heading(printable(added.title), "-"), _added_table(added, words, width)]
    parts.append(f"{words.gettext('Total')}  {words.money(statement.total)}")
    # Blanks that no line is broken at are good on paper; whoever searches a text types others.
    return _with_plain_blanks("\n\n".join(parts)) + "\n"


def _with_plain_blanks(text: str) -> str:
    kept = (" " if character in "\xa0\u202f" else character for character in text)
    return "\n".join(printable(row) for row in "".join(kept).split("\n"))


def _heading(title: str, underline: str) -> str:
    from rich.cells import cell_len

    return f"{title}\n{underline * cell_len(title)}"


def _header(statement: Statement, words: Words) -> str:
    period, metered_until = statement.period, statement.metered_until
    account = statement.account
    facts = {
        words.gettext("Account"): f"{printable(account.name)} ({printable(account.id)})",
        words.gettext("Period"): (
            f"{words.month_of(period)} ({sentences.state_text(words, statement)})"
        ),
        words.gettext("From"): words.instant(period.start),
        words.gettext("Until"): words.instant(period.end),
        words.gettext("Time zone"): statement.timezone,
        words.gettext("Metered until"): words.instant(metered_until) if metered_until else "-",
    }
    if statement.budget is not None:
        facts[words.gettext("Budget")] = sentences.budget_text(words, statement.budget)
    return "\n".join(
        [_heading(words.gettext("Cloud Usage"), "="), "", *_aligned(facts, minimum=13)]
    )


def _aligned(facts: dict[str, str], *, minimum: int = 0) -> list[str]:
    """Return a row for each fact, the names padded to one width."""
    from rich.cells import cell_len

    widest = max(minimum, *(cell_len(name) for name in facts))
    return [f"{name}{' ' * (widest - cell_len(name))}  {value}" for name, value in facts.items()]


def _table(section: Section, words: Words, width: int) -> str:
    if not section.lines and not section.adjustments:
        return words.gettext("No image was charged.")
    rows: list[list[str]] = []
    notes: list[str] = []
    for part in section.by_location:
        rows += [_line_cells(line, words) for line in part.lines]
        for adjustment in part.adjustments:
            notes.append(_note(adjustment, len(notes) + 1, words))
            rows.append(_adjustment_cells(adjustment, len(notes), words))
        if len(section.subtotals) > 1:
            location, amount = part.subtotal.location, words.amount(part.subtotal.amount)
            title = words.gettext("Subtotal")
            rows.append([title, "", printable(location), *[""] * 6, amount])
    total = [sentences.section_total_title(words, section), *[""] * 8, words.amount(section.total)]
    below = [paragraph(note, width) for note in notes]
    below.append(paragraph(_terms(section, words), width))
    return "\n\n".join([wrapped_table(_columns(section, words), rows, total, width), *below])


def _terms(section: Section, words: Words) -> str:
    unit = sentences.unit_text(words, section)
    per = words.gettext("%(currency)s per %(unit)s and month", currency=words.currency, unit=unit)
    return " ".join(
        [
            sentences.counts_text(words, section),
            f"{words.gettext('Rate')}: {per}.",
            sentences.terms_text(words, section.lines),
            words.gettext("Hours: hours, minutes and seconds."),
        ]
    )


def _columns(section: Section, words: Words) -> list[Column]:
    return [
        Column(words.gettext("Name"), NAME),
        Column(words.gettext("Source Instance"), NAME),
        Column(words.gettext("Location"), NAME),
        Column(words.gettext("Size")),
        Column(words.gettext("Billable from").replace(" ", "\n", 1), MOMENT),
        Column(words.gettext("Billable until").replace(" ", "\n", 1), MOMENT),
        Column(words.gettext("Hours")),
        Column(sentences.quantity_title(words, section)),
        Column(words.gettext("Rate")),
        Column(f"{words.gettext('Charge')}\n{words.currency}"),
    ]


def _added_table(section: ChargeSection, words: Words, width: int) -> str:
    columns = [
        Column(words.gettext("Name"), NAME),
        Column(words.gettext("Details"), NAME),
        Column(words.gettext("Location"), NAME),
        Column(words.gettext("Quantity")),
        Column(words.gettext("Rate")),
        Column(f"{words.gettext('Charge')}\n{words.currency}"),
    ]
    rows = []
    for line in section.lines:
        quantity = "" if line.quantity is None else f"{words.plain(line.quantity)} {line.unit}"
        rows.append(
            [
                printable(line.name),
                printable(line.details),
                printable(line.location),
                printable(quantity),
                "" if line.rate is None else words.rate(line.rate),
                words.amount(line.amount),
            ]
        )
    title = printable(words.gettext("%(section)s total", section=section.title))
    return wrapped_table(columns, rows, [title, *[""] * 4, words.amount(section.total)], width)


def _line_cells(line: Line, words: Words) -> list[str]:
    ending = sentences.ending_text(words, line)
    until = f"{words.date_of(line.billable_until)}\n{words.time_of(line.billable_until)}\n{ending}"
    return [
        printable(line.name),
        printable(line.source_instance_name),
        printable(line.location),
        words.size(line),
        f"{words.date_of(line.billable_from)}\n{words.time_of(line.billable_from)}",
        ending if line.ending is Ending.STORED else until,
        words.duration(line.billable_seconds),
        words.quantity(line.unit_hours),
        words.rate(line.rate),
        words.amount(line.amount),
    ]


def _note(adjustment: Adjustment, number: int, words: Words) -> str:
    """Return the note below the table that says what an adjustment is of, and why."""
    reason = printable(adjustment_reason(words, adjustment))
    image = f"{words.gettext('Image')} {adjustment.image_id}: " if adjustment.image_id else ""
    return f"[{number}] {printable(image)}{reason}"


def _adjustment_cells(adjustment: Adjustment, number: int, words: Words) -> list[str]:
    title = f"{sentences.adjustment_title(words, adjustment)} [{number}]"
    hour, until = adjustment.hour, adjustment.until
    return [
        printable(f"{title}: {adjustment.name}" if adjustment.name else title),
        "",
        printable(adjustment.location),
        "",
        f"{words.date_of(hour)}\n{words.time_of(hour)}",
        f"{words.date_of(until)}\n{words.time_of(until)}" if until else "",
        *[""] * 3,
        words.amount(adjustment.amount),
    ]


def _comparison(section: Section, statement: Statement, words: Words, width: int) -> list[str]:
    """Return the period before, and the forecast of this one, as far as there are any."""
    before, forecast = section.comparison, section.forecast
    facts = {}
    if before:
        facts[words.month_of(before.period)] = words.money(before.total)
    if forecast:
        title = f"{words.month_of(statement.period)}, {words.gettext('forecast')}"
        facts[title] = words.money(forecast.total)
        note = sentences.forecast_basis(words, forecast)
    elif before:
        note = sentences.comparison_text(words, before)
    else:
        return []
    return ["\n".join(_aligned(facts)), paragraph(note, width)]
