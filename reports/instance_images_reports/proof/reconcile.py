"""Proves that the reports of a period come to what the ledger charges in it.

The reports are those of a folder that was written, as far as the ledger went then; or those that
could be made now, of which sums say enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from instance_images.errors import Refused
from instance_images.instants import format_instant
from instance_images_billing.pricing.periods import Period
from instance_images_reports.batch.manifest import Manifest
from instance_images_reports.batch.reconciliation import (
    Reconciled,
    differences,
    differences_of_sums,
    reconcile,
    reported_of,
)
from instance_images_reports.collect.cutoff import Cut, read_cut
from instance_images_reports.collect.sums import read_sums
from instance_images_reports.proof.folder import check_folder, read_manifest
from instance_images_reports.proof.sums import reported_sums


@dataclass(frozen=True, slots=True)
class Proof:
    """Both sums, what is wrong, one sentence each, and what is to be known beside it."""

    rows: Sequence[Reconciled]
    findings: Sequence[str]
    note: str | None = None


def prove_folder(connection: sa.Connection, period: Period, directory: Path) -> Proof:
    """Hold a folder of reports against its manifest, and the manifest against the ledger."""
    manifest = read_manifest(directory)
    if manifest.period != period.name:
        raise Refused(f"{directory} holds the reports of {manifest.period}, not of {period.name}.")
    now = read_cut(connection, period)
    cut = _cut_of(manifest, now)
    sums = read_sums(connection, cut)
    findings = check_folder(directory, manifest) + differences(manifest.accounts, sums)
    return Proof(reconcile(reported_of(manifest.accounts), sums), findings, _note(cut, now))


def prove_statements(connection: sa.Connection, period: Period) -> Proof:
    """Hold what the reports of all accounts would come to against the ledger.

    The connection must read a snapshot.
    """
    cut = read_cut(connection, period)
    sums = read_sums(connection, cut)
    reported, faults = reported_sums(connection, cut)
    return Proof(reconcile(reported, sums), faults + differences_of_sums(reported, sums))


def _cut_of(manifest: Manifest, now: Cut) -> Cut:
    """Return the cut that the folder was made of; locations that it does not name are whole."""
    places = dict(now.locations)
    for one in manifest.places:
        if one.location in places:
            places[one.location] = replace(
                places[one.location],
                metered_until=one.metered_until,
                last_adjustment=one.last_adjustment,
            )
    is_closed = manifest.period_state == "closed"
    return replace(now, closed_at=now.closed_at if is_closed else None, locations=places)


def _note(cut: Cut, now: Cut) -> str | None:
    """Return that the ledger holds more of the period now than the folder was made of."""
    later = [
        f"{name} was metered until {format_instant(place.metered_until)}"
        for name, place in cut.locations.items()
        if place.metered_until is not None
        and place.metered_until < cut.period.end
        and place != now.locations[name]
    ]
    if not later and cut.period_state == now.period_state:
        return None
    was = "; ".join(later) or f"the period was {cut.period_state}"
    return (
        f"The ledger has changed since these reports were made: {was}. They are compared with the"
        " ledger as it was then; make them again for the rest."
    )
