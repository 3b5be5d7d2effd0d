"""The Cloud Usage report as a workbook that finance books from.

Owns which sheets there are, and the summary. Amounts are numbers, instants are dates in the time
zone of the period, and totals are formulas beside which the ledger's own figure stands. Computes
nothing: what a spreadsheet calculates from the lines is the statement's figure.

A cell is a binary floating-point number, of which spreadsheets keep 15 digits: an amount reads
back exactly as long as it has no more.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from instance_images_reports.formats.xlsx.sheets import (
    SheetTotal,
    write_charges,
    write_days,
    write_section,
)
from instance_images_reports.formats.xlsx.workbook import Column, Sheet, Value, Workbook, cell
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation
from instance_images_reports.statement.statement import Comparison, Forecast, Section, Statement
from instance_images_reports.wording import sentences
from instance_images_reports.wording.words import Words, words_for

_LABEL, _FIGURE = 0, 1  # columns of the summary
_LABEL_WIDTH, _FIGURE_WIDTH = 34, 46


def render_xlsx(statement: Statement, presentation: Presentation = DEFAULT_PRESENTATION) -> bytes:
    """Return the workbook. Raises Refused where a section has more lines than a sheet has rows."""
    words = words_for(statement, presentation)
    month = words.month_of(statement.period)
    workbook = Workbook(
        zone=words.zone,
        amount_decimals=_decimals(statement.total),
        paper=presentation.paper,
        footer=f"{statement.account.name}, {month}",
    )
    workbook.set_properties(
        title=f"{words.gettext('Cloud Usage')}, {statement.account.name}, {month}",
        subject=statement.account.id,
        created=statement.metered_until or statement.period.start,
    )
    summary = workbook.add_sheet(words.gettext("Summary"), across=False)
    totals = [write_section(workbook, section, words) for section in statement.sections]
    totals += [write_charges(workbook, section, words) for section in statement.added]
    for section in statement.sections:
        if section.days:
            write_days(workbook, section, words)
    _Summary(summary, statement, words, totals).write()
    return workbook.content()


def _decimals(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent


class _Summary:
    """Writes the first sheet from top to bottom."""

    def __init__(
        self, sheet: Sheet, statement: Statement, words: Words, totals: Sequence[SheetTotal]
    ) -> None:
        self.sheet, self.statement, self.words, self.totals = sheet, statement, words, totals
        self.row = 0

    def write(self) -> None:
        """Write what the report is about, and the totals as they are calculated."""
        self.sheet.write(0, _LABEL, self.words.gettext("Cloud Usage"), "title")
        self.row = 2
        for label, value in self._facts():
            self._fact(label, value)
        self._sections()
        for section, total in zip(self.statement.sections, self.totals, strict=False):
            self._locations(section, total)
            if section.comparison:
                self._comparison(section.comparison, total)
            if section.forecast:
                self._forecast(section.forecast)

    def _facts(self) -> list[tuple[str, Value]]:
        statement = self.statement
        use = statement.budget
        budget = (
            []
            if use is None
            else [(self.words.gettext("Budget"), sentences.budget_text(self.words, use))]
        )
        return [
            (self.words.gettext("Account"), statement.account.name),
            (self.words.gettext("Account ID"), statement.account.id),
            (self.words.gettext("Period"), self.words.month_of(statement.period)),
            (self.words.gettext("From"), statement.period.start),
            (self.words.gettext("Until"), statement.period.end),
            (self.words.gettext("Time zone"), statement.timezone),
            (self.words.gettext("State"), sentences.state_text(self.words, statement)),
            (
                self.words.gettext("Metered until"),
                statement.metered_until or self.words.gettext("not yet"),
            ),
            (self.words.gettext("Currency"), statement.currency),
            *budget,
            (self.words.gettext("Note"), sentences.coverage_text(self.words, statement)),
        ]

    def _fact(self, label: str, value: Value) -> None:
        self.sheet.write(self.row, _LABEL, label, "label")
        kind = "moment" if isinstance(value, datetime) else "text"
        self.sheet.write(self.row, _FIGURE, value, kind)
        if isinstance(value, str):
            self.sheet.fit_height(self.row, [(value, _FIGURE_WIDTH)])
        self.row += 1

    def _head(self, title: str) -> None:
        """Begin a new table, two columns wide."""
        self.row += 1
        charge = f"{self.words.gettext('Charge')} ({self.statement.currency})"
        columns = [Column(title, "text", _LABEL_WIDTH), Column(charge, "amount", _FIGURE_WIDTH)]
        self.sheet.write_head(self.row, columns)
        self.row += 1

    def _amount(self, label: str, amount: Decimal, formula: str = "", strong: bool = False) -> str:
        """Write an amount, calculated by the formula if there is one; return where it stands."""
        self.sheet.write(self.row, _LABEL, label, "text", strong=strong)
        if formula:
            self.sheet.write_formula(self.row, _FIGURE, formula, amount, strong=strong)
        else:
            self.sheet.write(self.row, _FIGURE, amount, "amount", strong=strong)
        self.row += 1
        return cell(self.row - 1, _FIGURE)

    def _sections(self) -> None:
        """Write what the sections come to, and beside it what the report says."""
        total = self.statement.total
        self._head(self.words.gettext("Section"))
        cells = [self._amount(one.title, one.total, f"={one.cell}") for one in self.totals]
        sum_of_sections = self.sheet.rounded(f"SUM({cells[0]}:{cells[-1]})")
        calculated = self._amount(self.words.gettext("Total"), total, sum_of_sections, strong=True)
        stated = self._amount(self.words.gettext("Total of the report"), total)
        difference = self.sheet.rounded(f"{calculated}-{stated}")
        self._amount(self.words.gettext("Difference"), total - total, difference)

    def _locations(self, section: Section, total: SheetTotal) -> None:
        if len(section.subtotals) < 2:
            return
        self._head(f"{total.title}: {self.words.gettext('Location')}")
        for subtotal in section.subtotals:
            here = cell(self.row, _LABEL)
            of_location = f"SUMPRODUCT(({total.locations}={here})*{total.charges})"
            self._amount(subtotal.location, subtotal.amount, self.sheet.rounded(of_location))

    def _comparison(self, comparison: Comparison, total: SheetTotal) -> None:
        before = self.words.gettext("the period before")
        self._head(f"{total.title}: {before}")
        before = self._amount(self.words.month_of(comparison.period), comparison.total)
        difference = self.sheet.rounded(f"{total.cell}-{before}")
        self._amount(self.words.gettext("Difference"), comparison.difference, difference)

    def _forecast(self, forecast: Forecast) -> None:
        self._head(self.words.gettext("Forecast, not a charge"))
        charged = self._amount(self.words.gettext("so far"), forecast.charged)
        expected = self._amount(self.words.gettext("expected"), forecast.expected)
        formula = self.sheet.rounded(f"{charged}+{expected}")
        month = self.words.month_of(self.statement.period)
        self._amount(month, forecast.total, formula, strong=True)
        self._fact(self.words.gettext("Note"), sentences.forecast_basis(self.words, forecast))
