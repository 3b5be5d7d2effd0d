"""Runs the revisions on the connection that ``database.upgrade`` or ``downgrade`` hands over."""

from typing import Any

from alembic import context


def keep_version(ctx: Any, *_more: Any, **_named: Any) -> None:
    """Commit the version after each revision on MariaDB, whose DDL is committed by itself.

    Where a later revision fails, the version on record is then that of the tables.
    """
    if ctx.dialect.name in ("mysql", "mariadb"):
        ctx.connection.exec_driver_sql("COMMIT")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=None,
    transactional_ddl=False,  # the caller holds the transaction
    on_version_apply=keep_version,
)
context.run_migrations()
