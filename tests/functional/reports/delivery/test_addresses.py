"""The addresses that reports are mailed to: set, listed, imported whole or not at all."""

import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images_reports.delivery.tables import report_deliveries
from instance_images_reports.doctor import check_mail

from support.processes.command_line import CommandLine
from support.servers import mail_server
from support.worlds import mail_world
from support.worlds.mail_world import MAIL


@pytest.fixture
def cli(tmp_path: Path, empty_database: Path) -> CommandLine:
    """Accounts a and b with a closed month, and a mail server that does not run."""
    path = shutil.copy(empty_database, tmp_path / "instance-images.db")
    return mail_world.command_line(tmp_path, Database(f"sqlite:///{path}"), 1, ["a", "b"])


def addresses(cli: CommandLine) -> list[tuple[str, ...]]:
    listed = cli.ok("address", "list").json
    return [(row["account_id"], row["address"], row["format"], row["locale"]) for row in listed]


def test_an_account_has_several_addresses_each_with_a_format_and_a_locale(
    cli: CommandLine,
) -> None:
    cli.ok("address", "set", "a", "x@example.com", "y@Example.COM", "--locale", "de-DE")
    cli.ok("address", "set", "a", "x@example.com", "--report-format", "csv")

    assert addresses(cli) == [
        ("a", "x@example.com", "csv", "en_GB"),
        ("a", "y@example.com", "pdf", "de_DE"),
    ]

    cli.ok("address", "unset", "a", "x@example.com")
    cli.refused(3, "has no such address", "address", "unset", "a", "x@example.com")
    cli.ok("address", "unset", "a")
    assert addresses(cli) == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["a", "A <x@example.com>"], "is not an e-mail address"),
        (["a", "x@example.com\nBcc: y@example.com"], "is not an e-mail address"),
        (["a", f"{'x' * 20}@{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.example"], "at most 254"),
        (["a", "x@example.com", "--locale", "xx_XX"], "is not a known locale"),
        (["a", "x@example.com", "--report-format", "parquet"], "parquet"),
    ],
)
def test_what_is_no_address_is_not_recorded(values: list[str], told: str, cli: CommandLine) -> None:
    cli.refused(2, told, "address", "set", *values)

    assert addresses(cli) == []


def test_a_file_is_imported_and_what_is_listed_can_be_imported(
    cli: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "addresses.csv"
    file.write_text(
        "account_id;address;format;locale\na;+x@example.com;csv;\nz;z@example.com;;de\n"
    )

    rehearsed = cli.ok("address", "import", str(file), "--dry-run")
    assert "would be imported: 2 added" in rehearsed.out
    assert addresses(cli) == []
    done = cli.ok("address", "import", str(file))
    assert "1 accounts of the file never had an image: z." in done.err
    assert addresses(cli) == [
        ("a", "+x@example.com", "csv", "en_GB"),
        ("z", "z@example.com", "pdf", "de"),
    ]

    listed = tmp_path / "listed.csv"
    listed.write_text(cli.ok("address", "list", "-f", "csv").out)
    assert "'+x@example.com" in listed.read_text()  # no formula
    assert (
        "0 added, 0 changed, 0 removed, 2 unchanged"
        in cli.ok("address", "import", str(listed), "--replace").out
    )

    file.write_text("account_id,address\nb,b@example.com\n")
    assert (
        "1 added, 0 changed, 2 removed" in cli.ok("address", "import", str(file), "--replace").out
    )
    assert [one[0] for one in addresses(cli)] == ["b"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("account_id,address\na,a@example.com\nb,nobody\n", "line 3: 'nobody' is not an e-mail"),
        ("account_id,address\na,a@example.com\na,a@example.com\n", "is there twice"),
        ("account_id,address\na\n", "not as many cells"),
        ("account_id,address\na,b@example.com,c\n", "not as many cells"),
        ("account,address\na,a@example.com\n", "Missing: account_id; unknown: account"),
        ("", "Missing: account_id, address"),
        ("account_id,address,format\na,a@example.com,docx\n", "'docx' is not a format"),
        ("account_id,address\n\xff,a@example.com\n", "is not UTF-8"),
    ],
)
def test_a_file_with_a_wrong_line_changes_nothing(
    content: str, told: str, cli: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "addresses.csv"
    file.write_bytes(content.encode("latin-1"))

    cli.refused(2, told, "address", "import", str(file))

    assert addresses(cli) == []


def test_the_doctor_names_what_keeps_reports_from_arriving(cli: CommandLine) -> None:
    def findings() -> list[str]:
        application = cli.application
        return [one.what for one in check_mail(application, application.settings.locations)]

    assert findings() == []  # nothing is mailed to all accounts
    cli.ok("address", "set", "a", "a@example.com", "--report-format", "csv")
    missing, unreachable = findings()
    assert missing == "1 accounts with a report of 2026-11 have no address: b."
    assert "cannot be reached" in unreachable

    with mail_server.running() as server:
        text = cli.config_file.read_text()
        cli.config_file.write_text(text.replace("port = 1\n", f"port = {server.port}\n"))
        cli.ok("address", "set", "b", "b@example.com", "--report-format", "csv")
        server.refused["b@example.com"] = "550 no such user"
        assert cli(*MAIL).exit_code == 1
        assert findings() == ["Reports of 2026-11 did not reach 1 accounts: b."]
        server.refused.clear()
        cli.ok(*MAIL)
        assert findings() == []


def test_the_record_is_a_list_for_spreadsheets_and_programs(cli: CommandLine) -> None:
    with mail_server.running() as server:
        text = cli.config_file.read_text()
        cli.config_file.write_text(text.replace("port = 1\n", f"port = {server.port}\n"))
        cli.ok("address", "set", "a", "a@example.com", "--report-format", "csv")
        cli(*MAIL)

    (row,) = json.loads(cli.ok("report", "mailed", "--period", "2026-11").out)
    assert row["sent_at"] == "2026-12-01T06:00:00Z"
    assert (row["total"], row["state"], len(row["sha256"])) == ("2.00", "sent", 64)
    assert row["message_id"] == server.messages[0]["Message-ID"]
    assert cli.ok("report", "mailed", "--period", "2026-11", "--state", "failed").json == []
    with cli.application.database.reading() as connection:
        held = connection.execute(sa.select(report_deliveries.c.claimed_by)).scalar_one()
    assert held is None
