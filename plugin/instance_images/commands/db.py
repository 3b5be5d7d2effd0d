"""``instance-images db``: the schema of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from instance_images.commands.options import pass_invocation

if TYPE_CHECKING:
    from instance_images.commands.main import Invocation


@click.group()
def db() -> None:
    """Create, upgrade and check the database."""


@db.command()
@pass_invocation
def upgrade(invocation: Invocation) -> None:
    """Create the database schema, or upgrade it to this version.

    Example: instance-images db upgrade
    """
    from instance_images.db import schema

    before, after = schema.upgrade(invocation.application.database)
    shown = invocation.application.database.shown_url
    if before == after:
        click.echo(f"{shown}: is at revision {after} already.")
    else:
        click.echo(f"{shown}: upgraded from {before or 'empty'} to revision {after}.")


@db.command()
@pass_invocation
def check(invocation: Invocation) -> None:
    """Check whether the database schema is up to date.

    Example: instance-images db check
    """
    from instance_images.db import schema

    schema.require_head(invocation.application.database)
    differences = schema.schema_differences(invocation.application.database)
    for difference in differences:
        click.echo(difference)
    if differences:
        invocation.exit_code = 1
        click.echo("The tables differ: restore a backup, or correct them by hand.", err=True)
    else:
        click.echo("The database schema is up to date.")


@db.command("version")
@pass_invocation
def show_version(invocation: Invocation) -> None:
    """Print the revision of the database schema.

    Example: instance-images db version
    """
    from instance_images.db import schema

    current = schema.current_revision(invocation.application.database)
    click.echo(f"{current or 'none'} (this version needs {schema.head_revision()})")


@db.command()
@click.option(
    "--to",
    "to_url",
    required=True,
    metavar="URL",
    envvar="INSTANCE_IMAGES_COPY_TO",
    show_envvar=True,
    help="Database to copy into: an empty one, or an SQLite file that does not exist.",
)
@click.option(
    "--ignore-runs",
    is_flag=True,
    help="Copy despite runs recorded as active, if they were killed on a host that is gone.",
)
@pass_invocation
def copy(invocation: Invocation, to_url: str, ignore_runs: bool) -> None:
    """Copy the whole ledger into another database, of any kind.

    Every row is copied with its key, in one transaction, and compared before it is committed: the
    copy is whole, or there is none. The database that is copied stays as it is. Stop the hourly run
    before, and name the new database in [database] connection afterwards. Put a URL with a password
    into the environment variable: other users see the options of a command.

    Example: instance-images db copy --to postgresql+psycopg://ii@db.example.com/instance_images
    """
    from instance_images.db.copy_ledger import copy_ledger
    from instance_images.db.engine import Database

    source, target = invocation.application.database, Database(to_url, "--to")
    try:
        rows = copy_ledger(
            source,
            target,
            ignore_runs=ignore_runs,
            tell=lambda table, count: click.echo(f"{table}: {count}"),
        )
    finally:
        target.engine.dispose()
    click.echo(
        f"Copied {sum(rows.values())} rows of {len(rows)} tables from {source.shown_url} to"
        f" {target.shown_url}; row counts and digests match. Set [database] connection to the new"
        " database on every host, then run 'instance-images meter verify'."
    )
