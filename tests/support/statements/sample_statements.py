"""Sample statements for the tests of the report's formats, put together by hand.

Pure. The numbers are worked out in the comments, and do not come from the code under test. Every
sample is of November 2026 in Berlin, which is one hour ahead of UTC in that month.
"""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from instance_images.model.records import Account
from instance_images_billing.pricing.periods import Period
from instance_images_reports.statement.statement import (
    Adjustment,
    Comparison,
    Day,
    Ending,
    Forecast,
    Line,
    Section,
    Share,
    Statement,
    Subtotal,
)

PERIOD = Period(
    "2026-11",
    datetime(2026, 10, 31, 23, tzinfo=UTC),
    datetime(2026, 11, 30, 23, tzinfo=UTC),
)
OCTOBER = Period("2026-10", datetime(2026, 9, 30, 22, tzinfo=UTC), PERIOD.start)
METERED_UNTIL = datetime(2026, 11, 23, 12, tzinfo=UTC)

# 10 GB, stored before the period began: 22 days and 13 hours, 541 hours, 5410 GB-hours.
# 5410 x 0.05 / 730 = 0.370547945205...
_BASE = Line(
    image_id="11111111-1111-4111-8111-111111111111",
    name="base",
    location="RegionOne",
    source_instance_id="aaaaaaaa-1111-4111-8111-111111111111",
    source_instance_name="builder",
    size_bytes=10 * 10**9,
    billable_from=PERIOD.start,
    billable_until=METERED_UNTIL,
    billable_seconds=541 * 3600,
    ending=Ending.STORED,
    unit="GB",
    unit_hours=Decimal("5410.000000"),
    rate=Decimal("0.050000000"),
    hours_per_month="730",
    partial_hour="prorate",
    amount_exact=Decimal("0.370547945"),
    amount=Decimal("0.37"),
)
# 73 GB for 10 days and 10 hours: 250 hours, 18250 GB-hours. 18250 x 0.05 / 730 = 1.25.
_DELETED = _BASE._replace(
    image_id="22222222-2222-4222-8222-222222222222",
    name="production-web-server-v2",
    source_instance_id="aaaaaaaa-2222-4222-8222-222222222222",
    source_instance_name="web-1",
    size_bytes=73 * 10**9,
    billable_from=datetime(2026, 11, 10, 8, tzinfo=UTC),
    billable_until=datetime(2026, 11, 20, 18, tzinfo=UTC),
    billable_seconds=250 * 3600,
    ending=Ending.DELETED,
    unit_hours=Decimal("18250.000000"),
    amount_exact=Decimal("1.250000000"),
    amount=Decimal("1.25"),
)
# 20 GB for 3 days and 00:29:30: 72.491666 hours, 1449.833333 GB-hours.
# 1449.833333 x 0.073 / 730 = 0.144983333. It is rounded up: the exact sum is 1.765531278, the
# total 1.77; the lines rounded down are 0.37 + 1.25 + 0.14 = 1.76, and this one lost most.
_SMALL = _BASE._replace(
    image_id="33333333-3333-4333-8333-333333333333",
    name="datenbank-münchen",
    location="RegionTwo",
    source_instance_id="aaaaaaaa-3333-4333-8333-333333333333",
    source_instance_name="db",
    size_bytes=20 * 10**9,
    billable_from=datetime(2026, 11, 20, 11, 30, 30, tzinfo=UTC),
    billable_seconds=72 * 3600 + 29 * 60 + 30,
    unit_hours=Decimal("1449.833333"),
    rate=Decimal("0.073000000"),
    amount_exact=Decimal("0.144983333"),
    amount=Decimal("0.15"),
)
_DAYS = [
    Day(date(2026, 11, day), Decimal(stored), Decimal(amount))
    for day, stored, amount in (
        # 10 GB x 24 h x 0.05 / 730 = 0.016438356
        *((day, "10.000000", "0.016438356") for day in range(1, 10)),
        # 73 GB more from 09:00 local time on, 15 of 24 hours: 45.625 GB; 0.016438356 + 0.075
        (10, "55.625000", "0.091438356"),
        # 73 GB x 24 h x 0.05 / 730 = 0.12
        *((day, "83.000000", "0.136438356") for day in range(11, 20)),
        # 73 GB until 19:00, 57.791667 GB; 20 GB from 12:30:30, 9.576389 GB.
        # 0.016438356 + 0.095 + 20 x 11.491666 x 0.0001 = 0.022983333
        (20, "77.368056", "0.134421689"),
        # 30 GB; 0.016438356 + 20 x 24 x 0.0001
        *((day, "30.000000", "0.064438356") for day in (21, 22)),
        # 13 hours were metered: 10 x 13 x 0.05 / 730 + 20 x 13 x 0.0001
        (23, "30.000000", "0.034904110"),
    )
]

# Of 1.765531278: 70.800 %, 20.988 % and 8.212 %. Rounded down these are 70.8 + 20.9 + 8.2 = 99.9,
# and the second lost most by it.
_SHARES = [
    Share(
        image_id=_DELETED.image_id,
        name=_DELETED.name,
        location="RegionOne",
        images_count=1,
        amount=Decimal("1.25"),
        percent=Decimal("70.8"),
    ),
    Share(
        image_id=_BASE.image_id,
        name=_BASE.name,
        location="RegionOne",
        images_count=1,
        amount=Decimal("0.37"),
        percent=Decimal("21.0"),
    ),
    Share(
        image_id=_SMALL.image_id,
        name=_SMALL.name,
        location="RegionTwo",
        images_count=1,
        amount=Decimal("0.15"),
        percent=Decimal("8.2"),
    ),
]
# From noon of the 23rd (UTC) 179 hours are left: 10 x 179 x 0.05 / 730 = 0.122602740, and
# 20 x 179 x 0.073 / 730 = 0.358. With 1.765531278 that is 2.246134018.
_FORECAST = Forecast(Decimal("2.25"), Decimal("1.77"), Decimal("0.48"), 2)
# 1.77 - 1.20 = 0.57, 47.5 % of 1.20.
_COMPARISON = Comparison(OCTOBER, Decimal("1.20"), Decimal("0.57"), Decimal("47.5"))


def plain() -> Statement:
    """Three images at two locations; the period is open and metered until the 23rd at noon UTC."""
    return Statement(
        account=Account("5f0c6f1e2d3b4a59", "Example GmbH"),
        period=PERIOD,
        timezone="Europe/Berlin",
        period_state="open",
        currency="EUR",
        metered_until=METERED_UNTIL,
        total=Decimal("1.77"),
        sections=[
            Section(
                name="images",
                title="Images",
                total=Decimal("1.77"),
                lines=[_BASE, _DELETED, _SMALL],
                adjustments=[],
                days=_DAYS,
                unit="GB",
                subtotals=[
                    Subtotal("RegionOne", 2, Decimal("1.62")),
                    Subtotal("RegionTwo", 1, Decimal("0.15")),
                ],
                shares=_SHARES,
                comparison=_COMPARISON,
                forecast=_FORECAST,
            )
        ],
    )


def with_section(statement: Statement, **changes: object) -> Statement:
    """Return the statement with another content of its one section, and with its total."""
    section = replace(statement.sections[0], **changes)  # type: ignore[arg-type]
    return replace(statement, sections=[section], total=section.total)


def of_lines(statement: Statement, lines: list[Line], total: str, **changes: object) -> Statement:
    """Return the statement with these lines of RegionOne alone, and nothing besides."""
    subtotals = [Subtotal("RegionOne", len(lines), Decimal(total))] if lines else []
    return with_section(
        statement,
        lines=lines,
        total=Decimal(total),
        **{"subtotals": subtotals, "shares": [], "days": [], "comparison": None, "forecast": None}
        | changes,
    )


def empty() -> Statement:
    """An account without images in a period of which nothing is metered."""
    return of_lines(replace(plain(), metered_until=None), [], "0.00")


def closed() -> Statement:
    """A closed period, metered to its end."""
    whole = replace(plain(), period_state="closed", metered_until=PERIOD.end)
    lines = [
        line._replace(ending=Ending.PERIOD_ENDED, billable_until=PERIOD.end)
        if line.is_open
        else line
        for line in plain().sections[0].lines
    ]
    return with_section(whole, lines=lines, forecast=None)


def adjusted() -> Statement:
    """As plain, with 0.01 given back: 1.77 - 0.01 = 1.76."""
    adjustment = Adjustment(
        image_id=_DELETED.image_id,
        hour=datetime(2026, 11, 20, 17, tzinfo=UTC),
        reason="deleted at 17:20, which became known later",
        amount=Decimal("-0.01"),
        location="RegionOne",
        until=datetime(2026, 11, 20, 18, tzinfo=UTC),
        amount_exact=Decimal("-0.006666667"),
        name=_DELETED.name,
    )
    return with_section(
        plain(),
        adjustments=[adjustment],
        total=Decimal("1.76"),
        subtotals=[
            Subtotal("RegionOne", 2, Decimal("1.61")),
            Subtotal("RegionTwo", 1, Decimal("0.15")),
        ],
        # 1.76 - 1.20 = 0.56, 46.7 % of 1.20; 2.246134018 - 0.006666667 = 2.239467351
        comparison=replace(_COMPARISON, difference=Decimal("0.56"), percent=Decimal("46.7")),
        forecast=Forecast(Decimal("2.24"), Decimal("1.76"), Decimal("0.48"), 2),
    )


def yen() -> Statement:
    """One line in a currency without decimals: 18250 x 73 / 730 = 1825 yen."""
    line = _DELETED._replace(
        rate=Decimal("73.000000000"),
        amount_exact=Decimal("1825.000000000"),
        amount=Decimal("1825"),
    )
    return of_lines(replace(plain(), currency="JPY"), [line], "1825")


def dinars() -> Statement:
    """One line in a currency with three decimals: 18250 x 0.02 / 730 = 0.5 dinars."""
    line = _DELETED._replace(
        rate=Decimal("0.020000000"),
        amount_exact=Decimal("0.500000000"),
        amount=Decimal("0.500"),
    )
    return of_lines(replace(plain(), currency="BHD"), [line], "0.500")


def gibibytes() -> Statement:
    """One line per GiB: 2 GiB for 250 hours at 0.73 are 500 GiB-hours and 0.50."""
    line = _DELETED._replace(
        size_bytes=2 * 2**30,
        unit="GiB",
        unit_hours=Decimal("500.000000"),
        rate=Decimal("0.730000000"),
        amount_exact=Decimal("0.500000000"),
        amount=Decimal("0.50"),
    )
    return of_lines(plain(), [line], "0.50", unit="GiB")


HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    '"><img src=https://example.org/x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "[red]markup[/red] :smile:",
    '=HYPERLINK("https://example.org","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    'two\nlines\r\nand, a "quote"',
    "\x1b[31mred\x1b[0m \x9b2J \x07",
    "\u202egnp.exe \u2066x",
    "\U0001f600" * 255,
    "W" * 255,
)


def hostile() -> Statement:
    """Every hostile name wherever there are names, and in a reason; two as the account."""
    lines = [
        _BASE._replace(image_id=f"id-{number}", name=name, source_instance_name=name)
        for number, name in enumerate(HOSTILE_NAMES)
    ]
    adjustments = [
        Adjustment(
            image_id=f"id-{number}",
            hour=METERED_UNTIL,
            reason=name,
            amount=Decimal("0.00"),
            location="RegionOne",
            name=name,
        )
        for number, name in enumerate(HOSTILE_NAMES)
    ]
    # 100 / 14 is 7.14: each of ten has 7.1 %, the other four 28.6 % and, once more, what is left.
    shares = [
        Share(
            image_id=line.image_id,
            name=line.name,
            location="RegionOne",
            images_count=1,
            amount=line.amount,
            percent=Decimal("7.1"),
        )
        for line in lines[:10]
    ] + [
        Share(
            image_id="",
            name="",
            location="",
            images_count=4,
            amount=Decimal("1.48"),
            percent=Decimal("29.0"),
        )
    ]
    account = Account("=cmd|' /C calc'!A0", "<b>Evil</b> \x1b]0;owned\x07\u202e& Co")
    # 14 x 0.37 = 5.18
    return of_lines(
        replace(plain(), account=account), lines, "5.18", adjustments=adjustments, shares=shares
    )
