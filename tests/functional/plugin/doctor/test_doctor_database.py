"""A database that can be read only is found by the doctor, with its cure."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from instance_images.db.engine import Database

from support.processes.command_line import CommandLine, write_config

READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET default_transaction_read_only = on",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
}


@pytest.fixture
def read_only(database: Database) -> Iterator[str]:
    """The URL of a database, with its tables, in which no connection can write."""

    def forbid(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(READ_ONLY[database.url.get_backend_name()])
        cursor.close()
        if database.url.get_backend_name() != "sqlite":
            connection.commit()

    sa.event.listen(sa.Engine, "connect", forbid)
    yield database.url.render_as_string(hide_password=False)
    sa.event.remove(sa.Engine, "connect", forbid)


def test_a_database_that_cannot_be_written_is_a_finding_and_all_else_is_still_checked(
    read_only: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path / "ro.conf", read_only)
    cli = CommandLine(config)

    result = cli("doctor", "-f", "json")

    assert (result.exit_code, result.err) == (1, "")
    [found] = [one for one in result.json if one["check"] == "database"]
    assert found["severity"] == "error"
    assert "is read-only: nothing was changed. Give this user write access" in found["what"]
    assert any(one["check"] == "ledger" for one in result.json)  # there is no rate
