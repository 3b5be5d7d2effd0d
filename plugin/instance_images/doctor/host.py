"""The doctor's checks of this machine: the configuration's files, and the database."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from instance_images.config.settings import Location
from instance_images.db import schema
from instance_images.db.tables import readings
from instance_images.locations.application import Application
from instance_images.model.findings import Finding, Severity


def check_files(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find files that the hourly run could not write."""
    settings = application.settings
    if settings.worker.textfile:
        yield from check_writable("files", "[worker] textfile", settings.worker.textfile)
    for path in settings.log_paths:
        yield from check_writable("files", "log_dir or log_file", path)


def check_writable(check: str, option: str, path: Path) -> Iterator[Finding]:
    """Find that the option names a file, or a folder, that this process could not write."""
    if not _is_writable(path):
        yield Finding(
            check,
            Severity.ERROR,
            None,
            f"{path} ({option}) cannot be written by user {os.geteuid()}.",
            f"Create {path.parent}, and give the user of the hourly runs write access to it"
            " (run the doctor as that user).",
        )


def _is_writable(path: Path) -> bool:
    if path.exists() and not os.access(path, os.W_OK, effective_ids=True):
        return False
    # Files are replaced in one step, or rotated: their directory must be writable as well.
    return os.access(path if path.is_dir() else path.parent, os.W_OK, effective_ids=True)


def check_database(application: Application, locations: Sequence[Location]) -> Iterator[Finding]:
    """Find a database that is of another version, differs, or cannot be written."""
    current, head = schema.current_revision(application.database), schema.head_revision()
    if current != head:
        yield Finding(
            "database",
            Severity.ERROR,
            None,
            f"The database is at revision {current or 'none'}, and this version needs {head}.",
            "Run 'instance-images db upgrade'.",
        )
        return
    for difference in schema.schema_differences(application.database):
        yield Finding(
            "database",
            Severity.ERROR,
            None,
            f"The tables differ from those of this version: {difference}",
            "Restore a backup, or correct the tables by hand.",
        )
    with application.database.rehearsing() as connection:
        nothing = sa.update(readings).where(readings.c.location == "").values(location="")
        connection.execute(nothing)
