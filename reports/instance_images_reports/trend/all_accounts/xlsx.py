"""The trend of all accounts as a workbook: for each currency its causes, periods and movers.

Computes nothing; the sum of the causes is a formula.
"""

from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from instance_images_billing.pricing.units import UNIT_BYTES
from instance_images_reports.formats.xlsx.workbook import Column, Sheet, Value, Workbook
from instance_images_reports.presentation import Presentation
from instance_images_reports.trend import words as trend_words
from instance_images_reports.trend.all_accounts import words as own_words
from instance_images_reports.trend.all_accounts.trend import (
    AccountsTrend,
    CurrencyTrend,
    OwnedImage,
)
from instance_images_reports.trend.xlsx import write_change, write_facts, write_periods, write_table
from instance_images_reports.wording.words import Words


def render_accounts_xlsx(trend: AccountsTrend, presentation: Presentation) -> bytes:
    """Return the workbook; the sheets of a currency have its code in their titles."""
    zone = ZoneInfo(trend.timezone)
    words = Words(presentation.locale, zone, "")
    title = words.gettext("Trend of image charges, all accounts")
    month = words.month_of(trend.periods[-1])
    workbook = Workbook(
        zone=zone,
        amount_decimals=max(map(_digits, trend.currencies), default=2),
        paper=presentation.paper,
        footer=f"{title}, {month}",
    )
    workbook.set_properties(
        title=f"{title}, {month}", subject=title, created=trend.periods[-1].start
    )
    for one in trend.currencies:
        _write_currency(workbook, trend, one, Words(presentation.locale, zone, one.currency))
    if not trend.currencies:
        sheet = workbook.add_sheet(words.gettext("Summary"))
        sheet.write(0, 0, words.gettext("Nothing was charged in these periods."), "text")
    return workbook.content()


def _digits(one: CurrencyTrend) -> int:
    return -int(one.bridge.after.as_tuple().exponent)


def _write_currency(
    workbook: Workbook, trend: AccountsTrend, one: CurrencyTrend, words: Words
) -> None:
    def sheet(title: str, *, across: bool = True) -> Sheet:
        return workbook.add_sheet(f"{one.currency} {title}", across=across)

    first = sheet(words.gettext("Summary"), across=False)
    title = words.gettext("Trend of image charges, all accounts")
    facts = [
        (words.gettext("Currency"), one.currency),
        (words.gettext("Time zone"), trend.timezone),
        (
            words.gettext("Why the charge changed"),
            trend_words.change_text(words, one.periods, one.bridge),
        ),
        (words.gettext("Note"), trend_words.coverage_text(words, one.periods)),
        (words.gettext("Charge"), own_words.totals_note(words)),
        (
            words.gettext("Idle images"),
            trend_words.idle_text(words, trend.idle_since, one.idle_count, one.saving),
        ),
        (words.gettext("Forecast"), trend_words.forecast_text(words, one.outlook)),
    ]
    write_change(first, write_facts(first, title, facts) + 1, one, words)
    write_periods(sheet(words.gettext("Periods")), one, words)
    _write_movers(sheet(words.gettext("Largest changes")), one, words)
    _write_images_of_movers(sheet(words.gettext("Images of these accounts")), one, words)
    for name, images in (
        (words.gettext("Idle images"), one.idle),
        (words.gettext("Largest images"), one.largest),
        (words.gettext("Oldest images"), one.oldest),
    ):
        if images:
            _write_stored(sheet(name), images, one, words)


def _write_movers(sheet: Sheet, one: CurrencyTrend, words: Words) -> None:
    columns = [
        Column(words.gettext("Account"), "text", 30),
        *(
            Column(f"{title} ({one.currency})", "exact", 18)
            for title in own_words.mover_titles(words)
        ),
        Column(words.gettext("Account ID"), "text", 38),
    ]
    rows: list[list[Value]] = [
        [
            each.account.name,
            each.change,
            each.new,
            each.all_ended,
            each.volume,
            each.month_length,
            each.stored_time,
            each.price,
            each.other,
            each.account.id,
        ]
        for each in one.movers
    ]
    write_table(sheet, columns, rows, printed=len(columns) - 1)


def _write_images_of_movers(sheet: Sheet, one: CurrencyTrend, words: Words) -> None:
    titles = (
        words.gettext("Change"),
        words.gettext("Price"),
        words.gettext("Volume"),
        words.gettext("Duration"),
    )
    columns = [
        Column(words.gettext("Account"), "text", 30),
        Column(words.gettext("Image"), "text", 30),
        Column(words.gettext("Location"), "text", 16),
        Column(words.gettext("Kind"), "text", 12),
        *(Column(f"{title} ({one.currency})", "exact", 18) for title in titles),
        Column(words.gettext("Image ID"), "text", 38),
    ]
    rows: list[list[Value]] = [
        [
            mover.account.name,
            image.name,
            image.location,
            trend_words.kind_text(words, image),
            image.change,
            image.price,
            image.volume,
            image.duration,
            image.image_id,
        ]
        for mover in one.movers
        for image in mover.images
    ]
    write_table(sheet, columns, rows, printed=len(columns) - 1)


def _write_stored(
    sheet: Sheet, images: Sequence[OwnedImage], one: CurrencyTrend, words: Words
) -> None:
    columns = [
        Column(words.gettext("Name"), "text", 30),
        Column(words.gettext("Account"), "text", 30),
        Column(words.gettext("Location"), "text", 16),
        Column(words.gettext("Available since"), "instant", 22),
        Column(words.gettext("Last deployment"), "instant", 22),
        Column(f"{words.gettext('Size')} ({one.unit})", "quantity", 16),
        Column(f"{words.gettext('Per month')} ({one.currency})", "amount", 16),
        Column(words.gettext("Account ID"), "text", 38),
        Column(words.gettext("Image ID"), "text", 38),
    ]
    rows: list[list[Value]] = [
        [
            each.image.name,
            each.account.name,
            each.image.location,
            each.image.available_at,
            each.image.deployed_at,
            Decimal(each.image.size_bytes) / UNIT_BYTES[one.unit],
            each.image.monthly,
            each.account.id,
            each.image.image_id,
        ]
        for each in images
    ]
    write_table(sheet, columns, rows, printed=len(columns) - 2)
