"""The schema of the database: its revision, its upgrade, and how it differs from the tables."""

import logging
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from instance_images.db.engine import Database
from instance_images.errors import BrokenExtension, ConfigurationError, DatabaseUnavailable
from instance_images.model.extensions import extensions, loaded

LOG = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the schema to this version's; return the revisions before and after."""
    from alembic import command

    if database.url.get_backend_name() == "sqlite":
        _create_sqlite_file(database)
    with database.translated():
        before = current_revision(database)
        if foreign := foreign_encodings(database):
            raise ConfigurationError(f"{database.shown_url} cannot store every name. {foreign[0]}")
        with database.engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                command.upgrade(_alembic(connection), "head")
    return before, head_revision()


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to an earlier revision, or to ``base``: data goes with the tables."""
    from alembic import command

    with database.writing() as connection:
        command.downgrade(_alembic(connection), revision)


def current_revision(database: Database) -> str | None:
    """Return the revision that the database's schema has, None for an empty database."""
    from alembic.runtime.migration import MigrationContext

    with database.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def head_revision() -> str:
    """Return the revision that this version of the software needs."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None
    return head


def require_head(database: Database) -> None:
    """Raise ConfigurationError unless the database's schema is the one of this version."""
    current, head = current_revision(database), head_revision()
    if current != head:
        raise ConfigurationError(
            f"The database is at revision {current or 'none'}, and this version needs {head}: run"
            " 'instance-images db upgrade'."
        )


def foreign_encodings(database: Database) -> list[str]:
    """Return a sentence with the fix for each MariaDB table whose collation was changed.

    A converted table rejects some names, or treats different names as equal.
    """
    if database.url.get_backend_name() not in ("mysql", "mariadb"):
        return []
    query = sa.text(
        "SELECT table_name, min(collation_name) FROM information_schema.columns WHERE"
        " table_schema = database() AND collation_name <> 'utf8mb4_bin'"
        " AND table_name IN :names GROUP BY table_name ORDER BY table_name"
    ).bindparams(sa.bindparam("names", [table.name for table in tables()], expanding=True))
    with database.reading() as connection:
        return [
            f"Table {name} has the collation {collation}: back up, and run ALTER TABLE {name}"
            " CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin."
            for name, collation in connection.execute(query)
        ]


def metadata_of_parts() -> list[sa.MetaData]:
    """Return the tables of all installed parts; log and skip those that cannot be loaded."""
    found = []
    for one in extensions("instance_images.tables"):
        try:
            found.append(loaded(one))
        except BrokenExtension as error:
            LOG.warning("Skipped tables: %s", error)
    return found


def tables() -> list[sa.Table]:
    """Return all tables of all installed parts, each after those that it refers to."""
    found = (table for part in metadata_of_parts() for table in part.sorted_tables)
    unique = list({table.name: table for table in found}.values())
    return sorted(unique, key=lambda table: bool(table.foreign_keys))


def exists(database: Database) -> bool:
    """Return whether there is such a database: SQLite's is made by the upgrade."""
    path = database.url.database
    is_file = database.url.get_backend_name() == "sqlite" and path and not path.startswith(":")
    return not is_file or Path(str(path)).exists()


def schema_differences(database: Database) -> list[str]:
    """Return the differences between the database and the tables, one line each."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with database.reading() as connection:
        context = MigrationContext.configure(connection)
        found = compare_metadata(context, metadata_of_parts())  # type: ignore[arg-type]
    return [*map(str, found), *foreign_encodings(database)]


def _alembic(connection: sa.Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _create_sqlite_file(database: Database) -> None:
    """Create the file in WAL mode: readers and the one writer do not wait for each other."""
    path = database.url.database
    if not path or Path(path).exists():
        return
    try:
        with database.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            connection.rollback()
            raw.execute("PRAGMA journal_mode = WAL")
        Path(path).chmod(0o640)
    except exc.OperationalError as error:
        raise DatabaseUnavailable(
            f"The database {path} cannot be created: {error.orig}. Create its directory and make"
            " it writable for this user."
        ) from error
