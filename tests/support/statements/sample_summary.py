"""A sample of the summary over all accounts, as the ledger adds it up. Pure.

November 2026 in Berlin beside October, metered until the 23rd at one location and to the end at the
other. The amounts are chosen to be followed: see the comments.
"""

from datetime import UTC, datetime

from instance_images_billing.pricing.periods import Period
from instance_images_reports.collect.cutoff import Cut, LocationCut
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
    LedgerSum(
        account_id="1acme",
        location="RegionOne",
        currency="EUR",
        postings=1200 * EUR + 4 * CENT // 10,
    ),
    LedgerSum(
        account_id="1acme",
        location="RegionTwo",
        currency="EUR",
        postings=40 * EUR + CENT // 10,
        adjustments=-6 * EUR,
    ),
    LedgerSum(
        account_id="2bolt",
        location="RegionOne",
        currency="EUR",
        postings=90 * EUR,
        minimums=9 * EUR + 996 * CENT // 10,
    ),
    LedgerSum(account_id="2bolt", location="RegionTwo", currency="JPY", postings=3000 * EUR),
    LedgerSum(account_id="3cafe", location="RegionOne", currency="EUR", postings=0),
    LedgerSum(account_id="4dune", location="RegionOne", currency="EUR", postings=12 * EUR),
    LedgerSum(account_id="6host", location="RegionOne", currency="EUR", postings=2 * EUR),
    LedgerSum(account_id="7form", location="RegionOne", currency="EUR", postings=2 * EUR),
]
SUMS_BEFORE = [
    LedgerSum(account_id="1acme", location="RegionOne", currency="EUR", postings=1000 * EUR),
    LedgerSum(account_id="2bolt", location="RegionOne", currency="EUR", postings=250 * EUR),
    LedgerSum(account_id="3cafe", location="RegionOne", currency="EUR", postings=0),
    LedgerSum(account_id="5echo", location="RegionTwo", currency="EUR", postings=7 * EUR),
    LedgerSum(account_id="6host", location="RegionOne", currency="EUR", postings=2 * EUR),
    LedgerSum(account_id="7form", location="RegionOne", currency="EUR", postings=1 * EUR),
]


def summary() -> Summary:
    """Return the summary of these sums."""
    return summarise(
        cut=cut(PERIOD),
        before=cut(OCTOBER, PERIOD.end),
        timezone="Europe/Berlin",
        names=NAMES,
        sums=SUMS,
        sums_before=SUMS_BEFORE,
        digits={"EUR": 2, "JPY": 0},
    )


def paths() -> dict[tuple[str, str], str]:
    """Return where the accounts' reports are beside the summary."""
    return {
        (one.account_id, one.currency): f"accounts/{one.account_id}_{one.currency}.html"
        for one in SUMS
    }
