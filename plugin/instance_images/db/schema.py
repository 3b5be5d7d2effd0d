"""Schema."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from instance_images.db.engine import Database
from instance_images.errors import DatabaseUnavailable

MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the schema to this version's; return the revisions before and after."""
    from alembic import command

    if database.url.get_backend_name() == "sqlite":
        _create_sqlite_file(database)
    with database._translated():
        before = current_revision(database)
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


def head_revision() -> str:
    """Return the revision that this version of the software needs."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None
    return head


def schema_differences(database: Database, metadata: list[sa.MetaData]) -> list[str]:
    """Return what stands in the database otherwise than in the tables, one line each."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with database.reading() as connection:
        context = MigrationContext.configure(connection)
        return [str(difference) for difference in compare_metadata(context, metadata)]  # type: ignore[arg-type]


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
