"""The trend as a workbook: causes, months, images with a changed charge, stored images.

Computes nothing; the sum of the causes is a formula.
"""

from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.formats.xlsx.workbook import (
    Column,
    Sheet,
    Value,
    Workbook,
    cell,
    require_rows,
)
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.trend import Course, StoredImage, Trend
from instance_images_reports.wording.words import Words

_LABEL_WIDTH, _FIGURE_WIDTH = 38, 46


def render_trend_xlsx(trend: Trend, presentation: Presentation) -> bytes:
    """Return the workbook. Raises Refused where a sheet has too few rows for all images."""
    words = Words(presentation.locale, ZoneInfo(trend.timezone), trend.currency)
    month = words.month_of(trend.periods[-1].period)
    workbook = Workbook(
        zone=words.zone,
        amount_decimals=-int(trend.bridge.after.as_tuple().exponent),
        paper=presentation.paper,
        footer=f"{trend.account.name}, {month}",
    )
    title = words.gettext("Trend of image charges")
    workbook.set_properties(
        title=f"{title}, {trend.account.name}, {month}",
        subject=trend.account.id,
        created=trend.periods[-1].period.start,
    )
    _write_causes(workbook.add_sheet(words.gettext("Summary"), across=False), trend, words)
    write_periods(workbook.add_sheet(words.gettext("Periods")), trend, words)
    _write_movers(workbook.add_sheet(words.gettext("Largest changes")), trend, words)
    images = (
        (words.gettext("Idle images"), trend.idle),
        (words.gettext("Largest images"), trend.largest),
        (words.gettext("Oldest images"), trend.oldest),
    )
    for name, stored in images:
        if stored:
            _write_stored(workbook.add_sheet(name), stored, trend, words)
    return workbook.content()


def _write_causes(sheet: Sheet, trend: Trend, words: Words) -> None:
    """Write the account, the causes of the change with their sum, and the forecast."""
    facts = [
        (words.gettext("Account"), trend.account.name),
        (words.gettext("Account ID"), trend.account.id),
        (words.gettext("Time zone"), trend.timezone),
        (
            words.gettext("Why the charge changed"),
            trend_words.change_text(words, trend.periods, trend.bridge),
        ),
        (words.gettext("Note"), trend_words.coverage_text(words, trend.periods)),
        (
            words.gettext("Idle images"),
            trend_words.idle_text(words, trend.idle_since, len(trend.idle), trend.saving),
        ),
        (words.gettext("Forecast"), trend_words.forecast_text(words, trend.outlook)),
    ]
    title = words.gettext("Trend of image charges")
    write_change(sheet, write_facts(sheet, title, facts) + 1, trend, words)


def write_facts(sheet: Sheet, title: str, facts: Sequence[tuple[str, str]]) -> int:
    """Write the title and the facts that are known; return the number of the row below."""
    sheet.write(0, 0, title, "title")
    row = 2
    for label, value in (fact for fact in facts if fact[1]):
        sheet.write(row, 0, label, "label")
        sheet.write(row, 1, value, "text")
        sheet.fit_height(row, [(value, _FIGURE_WIDTH)])
        row += 1
    return row


def write_change(sheet: Sheet, row: int, trend: Course, words: Words) -> None:
    """Write the causes of the change with their sum, and the forecast, from the row on."""
    charge = f"{words.gettext('Charge')} ({trend.currency})"
    columns = [
        Column(words.gettext("Cause"), "text", _LABEL_WIDTH),
        Column(charge, "amount", _FIGURE_WIDTH),
    ]
    sheet.write_head(row, columns)
    first = row + 1
    for title, amount in trend_words.bridge_rows(words, trend.periods, trend.bridge):
        row += 1
        _write_row(sheet, row, columns, [title, amount])
    causes = f"SUM({cell(first, 1)}:{cell(row, 1)})"
    row += 1
    sheet.write(row, 0, words.gettext("Change"), "text", strong=True)
    sheet.write_formula(row, 1, sheet.rounded(causes), trend.bridge.change, strong=True)
    if trend.outlook:
        row += 2
        sheet.write_head(row, [Column(words.gettext("Forecast"), "text", _LABEL_WIDTH), columns[1]])
        for period, amount in trend.outlook.amounts:
            row += 1
            _write_row(sheet, row, columns, [words.month_of(period), amount])


def write_periods(sheet: Sheet, trend: Course, words: Words) -> None:
    """Write a row for each period."""
    currency = trend.currency
    new, ended, grown = words.gettext("New"), words.gettext("Ended"), words.gettext("Grown")
    columns = [
        Column(words.gettext("Period"), "text", 18),
        Column(trend_words.unit_months_title(words, trend.unit), "quantity", 16),
        Column(words.gettext("Images"), "count", 10),
        Column(f"{words.gettext('Charge')} ({currency})", "amount", 16),
        Column(f"{words.gettext('Price')} ({currency})", "rate", 16),
        *(Column(title, "count", 12) for title in (new, ended, grown)),
        *(Column(f"{title} (%)", "plain", 14) for title in (new, ended, grown)),
    ]
    rows: list[list[Value]] = [
        [
            words.month_of(one.period),
            one.unit_months,
            one.images_count,
            one.total,
            one.price,
            *(each.count for each in (one.new, one.ended, one.grown)),
            *(each.percent for each in (one.new, one.ended, one.grown)),
        ]
        for one in trend.periods
    ]
    write_table(sheet, columns, rows)


def _write_movers(sheet: Sheet, trend: Trend, words: Words) -> None:
    amounts = [
        words.gettext("Change"),
        words.gettext("Price"),
        words.gettext("Volume"),
        words.gettext("Duration"),
    ]
    columns = [
        Column(words.gettext("Name"), "text", 36),
        Column(words.gettext("Location"), "text", 16),
        Column(words.gettext("Kind"), "text", 12),
        *(Column(f"{title} ({trend.currency})", "exact", 20) for title in amounts),
        Column(words.gettext("Image ID"), "text", 38),
    ]
    rows: list[list[Value]] = [
        [
            one.name,
            one.location,
            trend_words.kind_text(words, one),
            one.change,
            one.price,
            one.volume,
            one.duration,
            one.image_id,
        ]
        for one in trend.movers
    ]
    write_table(sheet, columns, rows, printed=len(columns) - 1)


def _write_stored(sheet: Sheet, images: Sequence[StoredImage], trend: Trend, words: Words) -> None:
    columns = [
        Column(words.gettext("Name"), "text", 36),
        Column(words.gettext("Location"), "text", 16),
        Column(words.gettext("Available since"), "instant", 22),
        Column(words.gettext("Last deployment"), "instant", 22),
        Column(f"{words.gettext('Size')} ({trend.unit})", "quantity", 16),
        Column(f"{words.gettext('Per month')} ({trend.currency})", "amount", 16),
        Column(words.gettext("Image ID"), "text", 38),
    ]
    rows: list[list[Value]] = [
        [
            one.name,
            one.location,
            one.available_at,
            one.deployed_at,
            Decimal(one.size_bytes) / UNIT_BYTES[trend.unit],
            one.monthly,
            one.image_id,
        ]
        for one in images
    ]
    write_table(sheet, columns, rows, printed=len(columns) - 1)


def write_table(
    sheet: Sheet, columns: Sequence[Column], rows: Sequence[Sequence[Value]], *, printed: int = 0
) -> None:
    """Write titles and rows; ``printed`` is how many columns are printed, 0 for all."""
    require_rows(len(rows) + 1)
    sheet.write_head(0, columns)
    for number, values in enumerate(rows, start=1):
        _write_row(sheet, number, columns, values)
    sheet.keep_head(columns=1)
    sheet.set_printed(max(len(rows), 1), (printed or len(columns)) - 1)
    sheet.add_filters(len(rows), len(columns))


def _write_row(
    sheet: Sheet, number: int, columns: Sequence[Column], values: Sequence[Value]
) -> None:
    pairs = list(zip(values, columns, strict=True))
    for position, (value, column) in enumerate(pairs):
        sheet.write(number, position, value, column.kind)
    texts = [(str(value), column.width) for value, column in pairs if column.kind == "text"]
    sheet.fit_height(number, texts)
