"""The metrics of the runs, as a file for the textfile collector of Prometheus' node_exporter.

The file tells of every configured location: what this run has to say, and what earlier runs said
where this one says nothing, so that a failing run leaves the instant of the last success as it
was. It is replaced in one step. Prometheus knows floats only: nothing here is used for billing.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from instance_images.config.settings import Location
from instance_images.db import notices
from instance_images.db.engine import Database
from instance_images.db.tables import accounts
from instance_images.errors import InstanceImagesError
from instance_images_billing.hours.outcome import Outcome
from instance_images_billing.hours.status import status_of
from instance_images_billing.ledger.tables import intervals

PREFIX = "instance_images_"
LOCK_SECONDS = 5.0
_READABLE_BY_ALL = 0o644  # the exporter runs as another user

# Every metric is a gauge with the label location; an amount has a currency too.
HELP = {
    "meter_last_run_timestamp_seconds": "When the last run at the location ended.",
    "meter_last_success_timestamp_seconds": "When the last run ended that could read the location.",
    "meter_run_failed": "1 if the last run could not meter the location, else 0.",
    "meter_run_duration_seconds": "How long the last run took at the location.",
    "meter_run_closings": "Hours that the last run closed.",
    "meter_run_problems": "Warnings of the last run.",
    "meter_run_amount": "What the last run posted, in the currency's unit; rounded to a float,"
    " for graphs only: the ledger and its reports have the exact amounts.",
    "meter_watermark_timestamp_seconds": "The instant before which every hour is closed.",
    "meter_lag_seconds": "How far the watermark was behind the clock when the last run ended.",
    "billable_images": "Images that are being billed.",
    "billable_bytes": "Their size, rounded to a float.",
    "unbilled_bytes": "Bytes stored but neither billed nor exempt, at the last complete reading.",
    "overbilled_bytes": "Bytes billed but not stored, at the last complete reading.",
    "notifications_unconfirmed": "Notifications so far that the image service did not confirm.",
    "notifications_postponed": "Waiting notifications: the image service fails for the image.",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one metric; ``currency`` is empty but for amounts."""

    metric: str
    location: str
    currency: str
    value: float


def publish(
    path: Path,
    database: Database,
    locations: Sequence[Location],
    outcomes: Sequence[Outcome],
    now: datetime,
) -> str | None:
    """Replace the file by one that tells of this run too; return what is wrong, if anything is.

    Metrics that cannot be written stop no run.
    """
    currencies = {location.name: location.currency for location in locations}
    new = [s for outcome in outcomes for s in _of_run(outcome, currencies[outcome.location], now)]
    with contextlib.suppress(InstanceImagesError):  # the runs have told that it is unreachable
        new += _of_ledger(database, [outcome.location for outcome in outcomes], now)
    try:
        with _locked(path.parent):
            _write(path, _merged(_read(path), new, currencies.keys()))
    except OSError as error:
        return (
            f"The metrics {path} cannot be written: {error.strerror}. Create the directory and make"
            " it writable for this user, or correct textfile in [metrics]."
        )
    return None


def _of_run(outcome: Outcome, currency: str, now: datetime) -> Iterator[Sample]:
    """Yield what the run itself says."""
    done = outcome.done
    values: dict[str, float] = {
        "meter_last_run_timestamp_seconds": now.timestamp(),
        "meter_run_failed": done is None,
        "meter_run_duration_seconds": outcome.duration_seconds,
        "meter_run_closings": done.hours if done else 0,
        "meter_run_problems": len(done.problems) if done else 0,
    }
    if done is not None:
        values["meter_last_success_timestamp_seconds"] = now.timestamp()
        currency = done.currency or currency
        if done.balance is not None:
            values["unbilled_bytes"] = done.balance.unbilled_bytes
            values["overbilled_bytes"] = done.balance.overbilled_bytes
    for metric, value in values.items():
        yield Sample(metric, outcome.location, "", float(value))
    yield Sample("meter_run_amount", outcome.location, currency, outcome.amount_nanos / 10**9)


def _of_ledger(database: Database, locations: Sequence[str], now: datetime) -> list[Sample]:
    """Return what the ledger says about the locations."""
    found = []
    with database.reading() as connection:
        for location in locations:
            status = status_of(connection, location, now)
            waiting = notices.waiting(connection, location)
            values: dict[str, float] = {
                "billable_images": status.billable_images,
                "billable_bytes": _billable_bytes(connection, location),
                "meter_lag_seconds": 0,
                "notifications_unconfirmed": sum(
                    one.count for one in notices.counts(connection, location)
                ),
                "notifications_postponed": waiting.count if waiting else 0,
            }
            if status.metered_until is not None:
                behind = now - status.metered_until
                values["meter_watermark_timestamp_seconds"] = status.metered_until.timestamp()
                values["meter_lag_seconds"] = max(behind.total_seconds(), 0)
            found += [Sample(name, location, "", float(value)) for name, value in values.items()]
    return found


def _billable_bytes(connection: sa.Connection, location: str) -> float:
    """Return the size of what is billable now; summed as floats, which never overflow."""
    query = (
        sa.select(sa.func.sum(sa.cast(intervals.c.size_bytes, sa.Double)))
        .join_from(intervals, accounts, accounts.c.account_key == intervals.c.account_key)
        .where(accounts.c.location == location, intervals.c.ends_at.is_(None))
    )
    return connection.execute(query).scalar_one() or 0.0


def _merged(old: Iterable[Sample], new: Sequence[Sample], locations: Iterable[str]) -> list[Sample]:
    """Return the new samples, and the old ones of which the new ones say nothing."""
    said = {(sample.metric, sample.location) for sample in new}
    known = set(locations)
    return [
        sample
        for sample in old
        if sample.location in known and (sample.metric, sample.location) not in said
    ] + list(new)


def _read(path: Path) -> list[Sample]:
    """Return the samples of a file, none where it is not there or not one of ours."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return []
    return [
        Sample(name, sample.labels["location"], sample.labels.get("currency", ""), sample.value)
        for family in families
        for sample in family.samples
        if (name := sample.name.removeprefix(PREFIX)) in HELP and "location" in sample.labels
    ]


def _write(path: Path, samples: Sequence[Sample]) -> None:
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    for metric, explained in HELP.items():
        names = ["location", "currency"] if metric == "meter_run_amount" else ["location"]
        gauge = Gauge(PREFIX + metric, explained, names, registry=registry)
        for sample in samples:
            if sample.metric == metric:
                gauge.labels(*[getattr(sample, name) for name in names]).set(sample.value)
    draft = path.with_name(f".{path.name}.{os.getpid()}")  # no name that the exporter reads
    try:
        write_to_textfile(str(draft), registry)
        draft.chmod(_READABLE_BY_ALL)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep other runs from replacing the file meanwhile; after some seconds, go on all the same."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    deadline = time.monotonic() + LOCK_SECONDS
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)  # and with it the lock
