"""Proves that the reports of a period come to what the ledger charges in it.

The reports are those of a folder that was written, as far as the ledger went then; or they are made
for this alone, and written nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from instance_images.config.settings import Settings
from instance_images.db.engine import Database
from instance_images.errors import Refused
from instance_images.instants import format_instant
from instance_images_billing.pricing.periods import Period
from instance_images_reports.batch.account_files import Batch, Made
from instance_images_reports.batch.all_accounts import Progress, make_all, read_books
from instance_images_reports.batch.engines import Engine
from instance_images_reports.batch.manifest import Manifest
from instance_images_reports.batch.reconciliation import Reconciled, differences, reconcile
from instance_images_reports.collect.cutoff import Cut, read_cut
from instance_images_reports.collect.sums import read_sums
from instance_images_reports.proof.folder import check_folder, read_manifest


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
    return Proof(reconcile(manifest.accounts, sums), findings, _note(cut, now))


def prove_statements(
    database: Database,
    settings: Settings,
    period: Period,
    engine: Engine[Batch, Made],
    progress: Progress,
) -> Proof:
    """Make the reports of all accounts without writing them, and hold them against the ledger."""
    with database.snapshot() as connection:
        books = read_books(connection, settings, period)
    files, faults = make_all(settings, books, engine, None, progress)
    return Proof(reconcile(files, books.sums), faults + differences(files, books.sums))


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
