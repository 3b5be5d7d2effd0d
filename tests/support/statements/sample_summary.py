"""A sample of the summary over all accounts, as the ledger adds it up. Pure.

November 2026 in Berlin beside October, metered until the 23rd at one location and to the end at the
other. The amounts are chosen to be followed: see the comments.
"""

from datetime import UTC, datetime

from instance_images_billing.pricing.periods import Period
from instance_images_reports.collect.cut import Cut, LocationCut
from instance_images_reports.collect.sums import LedgerSum
from instance_images_reports.summary.summary import Summary, summarise

from support.statements.sample_statements import HOSTILE_NAMES, METERED_UNTIL, PERIOD

EUR, CENT = 10**9, 10**7
OCTOBER = Period("2026-10", datetime(2026, 9, 30, 22, tzinfo=UTC), PERIOD.start)

NAMES = {
    "1acme": "Acme GmbH",
    "2bolt": "Bolt & Sons",
    "3cafe": "Café Müller",
    "4dune": "Dune",
    "5echo": "Echo",
    "6host": HOSTILE_NAMES[0],
    "7form": HOSTILE_NAMES[4],
}


def cut(period: Period, closed_at: datetime | None = None) -> Cut:
    """Return a cut; no rate is needed for a summary."""
    return Cut(
        period,
        closed_at,
        {
            "RegionOne": LocationCut("RegionOne", METERED_UNTIL, 0, []),
            "RegionTwo": LocationCut("RegionTwo", PERIOD.end, 0, []),
        },
    )


# Acme: 1200.004 + 34.001 = 1234.005 EUR, which is 1234.00 (half to even), and 1000.00 before:
# 234.00 or 23.4 % more. Bolt: 99.996 is 100.00, and 250.00 before: 150.00 or 60.0 % less. Café
# Müller: 0.00 after an allowance, and 0.00 before. Dune is new, Echo gone. Bolt also has 3000 yen.
# Rounding: 0.004 for Bolt and -0.005 for Acme are -0.001 together.
SUMS = [
    LedgerSum("1acme", "RegionOne", "EUR", 1200 * EUR + 4 * CENT // 10),
    LedgerSum("1acme", "RegionTwo", "EUR", 40 * EUR + CENT // 10, adjustments=-6 * EUR),
    LedgerSum("2bolt", "RegionOne", "EUR", 90 * EUR, minimums=9 * EUR + 996 * CENT // 10),
    LedgerSum("2bolt", "RegionTwo", "JPY", 3000 * EUR),
    LedgerSum("3cafe", "RegionOne", "EUR", 0),
    LedgerSum("4dune", "RegionOne", "EUR", 12 * EUR),
    LedgerSum("6host", "RegionOne", "EUR", 2 * EUR),
    LedgerSum("7form", "RegionOne", "EUR", 2 * EUR),
]
SUMS_BEFORE = [
    LedgerSum("1acme", "RegionOne", "EUR", 1000 * EUR),
    LedgerSum("2bolt", "RegionOne", "EUR", 250 * EUR),
    LedgerSum("3cafe", "RegionOne", "EUR", 0),
    LedgerSum("5echo", "RegionTwo", "EUR", 7 * EUR),
    LedgerSum("6host", "RegionOne", "EUR", 2 * EUR),
    LedgerSum("7form", "RegionOne", "EUR", 1 * EUR),
]


def summary() -> Summary:
    """Return the summary of these sums."""
    return summarise(
        cut(PERIOD),
        cut(OCTOBER, PERIOD.end),
        "Europe/Berlin",
        NAMES,
        SUMS,
        SUMS_BEFORE,
        {"EUR": 2, "JPY": 0},
    )


def paths() -> dict[tuple[str, str], str]:
    """Return where the accounts' reports are beside the summary."""
    return {
        (one.account_id, one.currency): f"accounts/{one.account_id}_{one.currency}.html"
        for one in SUMS
    }
