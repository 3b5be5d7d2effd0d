"""The database of a process that makes reports: its own configuration names it.

It stays open from batch to batch: to connect takes PostgreSQL and this process 20 ms, as long as
half of the queries for a batch.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from instance_images.db.engine import Database

_open: dict[str, Database] = {}  # by its URL; one at a time


def own_database(config_paths: Sequence[Path]) -> Database:
    """Return the database that this process's configuration names."""
    # Not at the top: the help of all commands imports the engines, and so this module.
    from instance_images.config.settings import CONFIG_FILE_VARIABLE, load_settings
    from instance_images.db.engine import Database

    paths = list(config_paths)
    if not all(path.is_file() for path in paths):
        named = os.environ.get(CONFIG_FILE_VARIABLE, "")
        paths = [Path(path) for path in named.split(os.pathsep) if path]
    url = load_settings(paths).database_connection
    database = _open.get(url)
    if database is None:
        close_own_database()
        database = _open[url] = Database(url)
    return database


def close_own_database() -> None:
    """Close the connections that nobody uses, where the process lives on after the last batch."""
    while _open:
        _, database = _open.popitem()
        database.engine.dispose()
