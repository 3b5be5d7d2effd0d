"""A closed November of several accounts, and a command line that mails their reports.

An hour of a GB costs one EUR; each account has two hours of an image of one GB, so 2.00. The clock
shows the first of December.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from instance_images.db.engine import Database
from instance_images_billing.months.close import close_period
from instance_images_billing.pricing.periods import parse_period

from support.processes.command_line import CommandLine, SetClock, write_config
from support.worlds.ledger_world import LOCATION, World

NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)
MAIL = ("report", "mail", "--period", "2026-11", "--jobs", "1")


def command_line(
    directory: Path,
    database: Database,
    port: int,
    accounts: Sequence[str] = ("a", "b", "c"),
    *,
    is_closed: bool = True,
    **options: object,
) -> CommandLine:
    """Fill the database; return a command line with these options of [mail]."""
    world = World(database)
    world.set_rate()
    for number, account in enumerate(accounts):
        world.capture("30T22:00", f"image-{number}", account)
    december = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)
    world.run(december)
    if is_closed:
        with database.writing() as connection:
            period = parse_period("2026-11", world.billing.timezone)
            close_period(connection, [LOCATION.name], period, december)
    keys = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "usage@example.com"}
    text = "\n".join(f"{key} = {value}" for key, value in (keys | options).items())
    config = write_config(
        directory / "instance-images.conf",
        database.url.render_as_string(hide_password=False),
        mail=text,
        report="template_directories =",
    )
    return CommandLine(config, SetClock(NOW))
