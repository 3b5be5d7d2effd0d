"""Holds reports against the ledger: what they come to, and what the database adds up. Pure.

Also holds a folder of reports against its manifest. What differs is returned as sentences that
name the row; nothing is repaired.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from instance_images.names import printable
from instance_images_reports.batch.manifest import AccountFile, exact_text
from instance_images_reports.collect.currencies import currency_digits
from instance_images_reports.collect.sums import LedgerSum
from instance_images_reports.summary.summary import total_of

Where = tuple[str, str, str]  # account, location, currency


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What is charged at a location in a currency: in the ledger by table, and in the reports."""

    location: str
    currency: str
    postings: int
    adjustments: int
    minimums: int
    reports: int

    @property
    def ledger(self) -> int:
        """All that the ledger charges."""
        return self.postings + self.adjustments + self.minimums

    @property
    def difference(self) -> int:
        """By how much the reports come to more."""
        return self.reports - self.ledger


def reported_of(files: Iterable[AccountFile]) -> dict[Where, int]:
    """Return what the reports come to."""
    return {
        (one.account_id, location, one.currency): nanos
        for one in files
        for location, nanos in one.nanos.items()
    }


def reconcile(reported: Mapping[Where, int], sums: Iterable[LedgerSum]) -> list[Reconciled]:
    """Return both sums for each location and currency, sorted."""
    rows: dict[tuple[str, str], list[int]] = {}
    for one in sums:
        row = rows.setdefault((one.location, one.currency), [0, 0, 0, 0])
        for index, nanos in enumerate((one.postings, one.adjustments, one.minimums)):
            row[index] += nanos
    for (_, location, currency), nanos in reported.items():
        rows.setdefault((location, currency), [0, 0, 0, 0])[3] += nanos
    return [Reconciled(*where, *row) for where, row in sorted(rows.items())]


def differences(files: Sequence[AccountFile], sums: Iterable[LedgerSum]) -> list[str]:
    """Return which reports are rounded wrongly, or differ from what the ledger charges."""
    findings = []
    for one in files:
        rounded = total_of(one.charged_nanos, currency_digits(one.currency))
        if rounded != one.total:
            findings.append(
                f"account {printable(one.account_id)}, {one.currency}: its report says {one.total},"
                f" and {exact_text(one.charged_nanos)} is {rounded}"
            )
    return findings + differences_of_sums(reported_of(files), sums)


def differences_of_sums(reported: Mapping[Where, int], sums: Iterable[LedgerSum]) -> list[str]:
    """Return which accounts are reported otherwise than the ledger charges them."""
    findings = []
    charged = {(one.account_id, one.location, one.currency): one.nanos for one in sums}
    for where in sorted(reported.keys() | charged.keys()):
        if reported.get(where) != charged.get(where):
            findings.append(
                f"account {printable(where[0])}, {where[1]}, {where[2] or 'no rate'}: reported is"
                f" {_text(reported.get(where))}, and the ledger charges {_text(charged.get(where))}"
            )
    return findings


def _text(nanos: int | None) -> str:
    return "nothing" if nanos is None else exact_text(nanos)
