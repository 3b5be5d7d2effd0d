"""Each account's report goes to its addresses on record, once, whatever happens in between."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images_reports.delivery import dispatch, smtp
from instance_images_reports.delivery.deliveries import (
    DeliveryKey,
    Holder,
    Parcel,
    claim,
    list_deliveries,
    message_id_of,
)

from support.processes.command_line import CommandLine, SetClock
from support.processes.killing import Killer, was_killed
from support.servers import mail_server
from support.servers.mail_server import PASSWORD, USER, MailServer
from support.worlds import mail_world
from support.worlds.mail_world import MAIL, NOW


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server.running() as running:
        yield running


@pytest.fixture
def ledger(tmp_path: Path, empty_database: Path) -> Iterator[Database]:
    """A ledger on SQLite, for what no database does otherwise."""
    path = shutil.copy(empty_database, tmp_path / "instance-images.db")
    made = Database(f"sqlite:///{path}")
    yield made
    made.engine.dispose()


@pytest.fixture
def cli(tmp_path: Path, ledger: Database, server: MailServer) -> CommandLine:
    """Accounts a, b and c with a closed month; a and b have an address."""
    return with_addresses(tmp_path, ledger, server)


def with_addresses(tmp_path: Path, database: Database, server: MailServer) -> CommandLine:
    cli = mail_world.command_line(tmp_path, database, server.port)
    cli.ok("address", "set", "a", "a@example.com", "--report-format", "csv")
    cli.ok("address", "set", "b", "b@example.com", "--report-format", "json")
    return cli


def recipients(server: MailServer) -> list[str]:
    return sorted(name for names in server.recipients for name in names)


def states(cli: CommandLine) -> dict[str, str]:
    listed = cli.ok("report", "mailed", "--period", "2026-11", "-f", "json").json
    return {row["address"]: row["state"] for row in listed}


def test_each_account_gets_its_own_report_and_those_without_an_address_are_listed(
    cli: CommandLine, server: MailServer
) -> None:
    cli.ok("address", "set", "a", "boss@example.com", "--report-format", "text", "--locale", "de")

    done = cli(*MAIL)

    assert done.exit_code == 1
    assert [(row["account_id"], row["address"], row["state"]) for row in done.json] == [
        ("a", "a@example.com", "sent"),
        ("a", "boss@example.com", "sent"),
        ("b", "b@example.com", "sent"),
        ("c", "", "no address"),
    ]
    assert done.err.splitlines() == [
        "Warning: No address: account c (name of c), EUR 2.00. See 'instance-images address set'.",
        "2026-11: 3 mailed, 1 without an address.",
    ]
    by_address = {message["To"]: message for message in server.messages}
    assert by_address["b@example.com"]["Subject"] == "Cloud Usage, name of b, November 2026"
    assert by_address["boss@example.com"]["Subject"] == "Cloud-Nutzung, name of a, November 2026"
    [attached] = by_address["b@example.com"].iter_attachments()
    report = json.loads(attached.get_payload(decode=True))  # type: ignore[arg-type]
    assert (report["account"]["id"], report["total"]) == ("b", "2.00")
    assert attached.get_filename() == "cloud-usage-b-2026-11-EUR.json"


def test_all_mails_go_over_one_connection(cli: CommandLine, server: MailServer) -> None:
    cli(*MAIL)

    assert server.connections == 1


def test_a_second_run_sends_nothing_and_does_not_even_connect(
    cli: CommandLine, server: MailServer
) -> None:
    cli.ok("address", "set", "c", "c@example.com", "--report-format", "csv")
    cli.ok(*MAIL)

    again = cli.ok(*MAIL)

    assert recipients(server) == ["a@example.com", "b@example.com", "c@example.com"]
    assert server.connections == 1
    assert (again.json, again.err) == ([], "2026-11: 3 mailed earlier.\n")


def test_a_new_address_gets_what_others_have(cli: CommandLine, server: MailServer) -> None:
    cli(*MAIL)
    cli.ok("address", "set", "c", "c@example.com", "--report-format", "csv")
    cli.ok("address", "set", "b", "b2@example.com", "--report-format", "csv")

    again = cli.ok(*MAIL)

    assert recipients(server)[-3:] == ["b2@example.com", "b@example.com", "c@example.com"]
    assert again.err == "2026-11: 2 mailed, 2 mailed earlier.\n"


def test_a_dry_run_sends_and_records_nothing(cli: CommandLine, server: MailServer) -> None:
    shown = cli(*MAIL, "--dry-run")

    assert shown.exit_code == 1  # c has no address
    assert [(row["address"], row["total"], row["state"]) for row in shown.json] == [
        ("a@example.com", "2.00", "would send"),
        ("b@example.com", "2.00", "would send"),
        ("", "2.00", "no address"),
    ]
    assert (server.connections, states(cli)) == (0, {})


def test_an_open_month_is_mailed_only_if_that_is_asked_for_and_again_when_it_is_closed(
    tmp_path: Path, ledger: Database, server: MailServer
) -> None:
    cli = mail_world.command_line(tmp_path, ledger, server.port, ["a"], is_closed=False)
    cli.ok("address", "set", "a", "a@example.com", "--report-format", "csv")

    cli.refused(3, "2026-11 is not closed", *MAIL)
    assert server.connections == 0
    cli.ok(*MAIL, "--open")
    cli.ok(*MAIL, "--open")
    cli.ok("period", "close", "2026-11", "--yes")
    cli.ok(*MAIL)

    assert recipients(server) == ["a@example.com"] * 2
    ids = [message["Message-ID"] for message in server.messages]
    assert ids[0] != ids[1]


def test_one_account_is_sent_its_report_again(cli: CommandLine, server: MailServer) -> None:
    cli(*MAIL)

    cli.refused(2, "--resend requires --account", *MAIL, "--resend")
    cli.ok(*MAIL, "--account", "b", "--resend")

    assert recipients(server) == ["a@example.com", "b@example.com", "b@example.com"]
    ids = {message["Message-ID"] for message in server.messages}
    assert len(ids) == 3
    numbers = cli.ok("report", "mailed", "--period", "2026-11", "--account", "b").json
    assert [(row["number"], row["state"]) for row in numbers] == [(1, "sent"), (2, "sent")]


# --------------------------------------------------------------------------- trouble


def test_a_recipient_who_is_refused_does_not_stop_the_others_and_is_tried_again(
    cli: CommandLine, server: MailServer
) -> None:
    server.refused["a@example.com"] = "550 no such user \x1b[31m"

    done = cli(*MAIL)

    assert done.exit_code == 1
    assert recipients(server) == ["b@example.com"]
    assert "Not mailed: account a to a@example.com:" in done.err
    assert "550 no such user [31m" in done.err
    assert states(cli) == {"a@example.com": "failed", "b@example.com": "sent"}

    server.refused.clear()
    assert cli(*MAIL).err.endswith("2026-11: 1 mailed, 1 without an address, 1 mailed earlier.\n")


def test_a_connection_that_is_lost_is_made_again(cli: CommandLine, server: MailServer) -> None:
    cli.ok("address", "set", "c", "c@example.com", "--report-format", "csv")
    server.drop_before = {2}  # the second mail of the run

    done = cli.ok(*MAIL)

    assert recipients(server) == ["a@example.com", "b@example.com", "c@example.com"]
    assert (server.connections, done.err) == (2, "2026-11: 3 mailed.\n")


def test_a_server_that_ends_sessions_after_a_few_mails_is_connected_to_again(
    cli: CommandLine, server: MailServer
) -> None:
    server.mails_per_session = 1

    cli(*MAIL)

    assert recipients(server) == ["a@example.com", "b@example.com"]
    assert server.connections == 2


def test_a_server_that_goes_away_ends_the_run_and_the_next_one_goes_on(
    tmp_path: Path,
    ledger: Database,
    server: MailServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp, "_PATIENCE_SECONDS", (0, 0))
    cli = mail_world.command_line(tmp_path, ledger, server.port)
    for name in "abc":
        cli.ok("address", "set", name, f"{name}@example.com", "--report-format", "csv")
    server.drop_before = {2, 3, 4}

    done = cli(*MAIL)

    assert done.exit_code == 4
    assert recipients(server) == ["a@example.com"]
    assert done.err.splitlines()[-1] == "The rest was not mailed: run the command again."
    assert states(cli) == {"a@example.com": "sent", "b@example.com": "pending"}

    server.drop_before = set()
    assert cli.ok(*MAIL).err == "2026-11: 2 mailed, 1 mailed earlier.\n"
    assert recipients(server) == ["a@example.com", "b@example.com", "c@example.com"]


def test_a_server_that_rejects_everything_ends_the_run(
    tmp_path: Path, ledger: Database, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_REJECTED_IN_A_ROW", 2)
    cli = mail_world.command_line(tmp_path, ledger, server.port)
    for name in "abc":
        cli.ok("address", "set", name, f"{name}@example.com", "--report-format", "csv")
    server.data_answer = "554 your address is on a list"

    done = cli(*MAIL)

    assert done.exit_code == 3
    assert "2 mails in a row were rejected" in done.err
    assert "c@example.com" not in states(cli)


def test_a_server_that_cannot_be_reached_is_told_before_anything_is_made(
    tmp_path: Path, ledger: Database
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        cli = mail_world.command_line(tmp_path, ledger, free.getsockname()[1], ["a"])
        cli.ok("address", "set", "a", "a@example.com")

        cli.refused(4, "cannot be reached: Connection refused", *MAIL)

    assert states(cli) == {}


def test_no_address_is_no_reason_to_connect(
    tmp_path: Path, ledger: Database, server: MailServer
) -> None:
    cli = mail_world.command_line(tmp_path, ledger, server.port, ["a"])

    assert cli(*MAIL).exit_code == 1
    assert server.connections == 0


def test_the_password_is_in_no_line_of_the_log(tmp_path: Path, ledger: Database) -> None:
    certificate = mail_server.make_certificate(tmp_path / "mail.pem")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    with mail_server.running("starttls", certificate) as server:
        cli = mail_world.command_line(
            tmp_path,
            ledger,
            server.port,
            ["a"],
            security="starttls",
            ca_file=certificate,
            user=USER,
            password_file=tmp_path / "password",
        )
        cli.ok("address", "set", "a", "a@example.com", "--report-format", "csv")

        told = cli.ok("--debug", *MAIL)

    assert server.users == [USER]
    assert "Mailed the report of account a, 2026-11" in told.err
    assert PASSWORD not in told.out + told.err
    assert "a@example.com" not in told.err


def test_names_of_accounts_add_no_header_and_no_terminal_sequence(
    tmp_path: Path, ledger: Database, server: MailServer
) -> None:
    hostile = "evil\r\nBcc: victim@example.com\x1b[2J\u202e"
    cli = mail_world.command_line(tmp_path, ledger, server.port, ["a", "b"])
    with ledger.writing() as connection:
        connection.execute(sa.text("UPDATE accounts SET account_name = :name"), {"name": hostile})
    cli.ok("address", "set", "a", "a@example.com", "--report-format", "csv")

    done = cli(*MAIL, "-f", "table")

    [message] = server.messages
    assert (message["Bcc"], server.recipients) == (None, [["a@example.com"]])
    assert message["Subject"] == "Cloud Usage, evilBcc: victim@example.com[2J, November 2026"
    assert "\x1b" not in done.out + done.err


# -------------------------------------------------------------------------- crashes


@pytest.mark.parametrize("step", range(1, 8))
def test_a_run_that_is_killed_at_any_commit_is_continued(
    tmp_path: Path, database: Database, server: MailServer, step: int
) -> None:
    """A kill before the commit that records a mail is the one case in which it is sent twice."""
    cli = with_addresses(tmp_path, database, server)

    def run() -> None:
        from instance_images.db import engine

        killer = Killer(step)
        real = engine.create_engine

        def watched(*arguments: object) -> sa.Engine:
            made = real(*arguments)  # type: ignore[arg-type]
            killer.watch(made)
            return made

        engine.create_engine = watched  # type: ignore[assignment]
        CommandLine(cli.config_file, SetClock(NOW))(*MAIL)

    was_killed(run)
    cli(*MAIL)

    ids = {message["To"]: set[str]() for message in server.messages}
    for message in server.messages:
        ids[message["To"]].add(message["Message-ID"])
    assert sorted(ids) == ["a@example.com", "b@example.com"]
    assert all(len(each) == 1 for each in ids.values())
    assert len(server.messages) <= 3
    assert states(cli) == {"a@example.com": "sent", "b@example.com": "sent"}


def test_two_runs_at_once_send_each_mail_once(
    tmp_path: Path, database: Database, server: MailServer
) -> None:
    names = [f"acc{number}" for number in range(8)]
    cli = mail_world.command_line(tmp_path, database, server.port, names)
    for name in names:
        cli.ok("address", "set", name, f"{name}@example.com", "--report-format", "csv")
    server.seconds_per_mail = 0.05

    runs = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "instance_images.commands.main",
                "--config-file",
                cli.config_file,
                *MAIL,
            ],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    assert {run.wait(timeout=120) for run in runs} <= {0, 1}
    cli.ok(*MAIL)

    assert recipients(server) == sorted(f"{name}@example.com" for name in names)


KEY = DeliveryKey(
    period="2026-11", revision="closed", account_id="a", currency="EUR", address="a@example.com"
)
PARCEL = Parcel("csv", "0" * 64, "2.00")
LEASE = timedelta(minutes=10)


def claimed(database: Database, holder: Holder, minutes: int = 0) -> bool:
    found = claim(
        database,
        KEY,
        PARCEL,
        holder,
        message_id=message_id_of(KEY, "usage@example.com"),
        now=NOW + timedelta(minutes=minutes),
        lease=LEASE,
    )
    return found is not None


def test_a_claim_of_another_host_is_free_when_it_has_expired(database: Database) -> None:
    there, here = Holder("elsewhere pid:[1] 4711 aaaa"), Holder.of_this_process()

    assert claimed(database, there)
    assert not claimed(database, here, minutes=9)
    assert claimed(database, here, minutes=10)
    assert not claimed(database, there, minutes=11)


def test_of_many_that_claim_a_mail_at_once_one_gets_it(database: Database) -> None:
    barrier, won = threading.Barrier(6), []

    def compete(number: int) -> None:
        barrier.wait()
        if claimed(database, Holder(f"host-{number} pid:[1] 1 aaaa")):
            won.append(number)

    threads = [threading.Thread(target=compete, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1
    with database.reading() as connection:
        assert len(list_deliveries(connection, "2026-11")) == 1


# ------------------------------------------------------------------------------ rate


def test_mails_are_sent_no_faster_than_is_configured(
    tmp_path: Path, ledger: Database, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    monkeypatch.setattr(dispatch.Dispatch.__init__, "__defaults__", (waited.append,))
    cli = mail_world.command_line(tmp_path, ledger, server.port, per_minute=30)
    for name in "abc":
        cli.ok("address", "set", name, f"{name}@example.com", "--report-format", "csv")

    cli.ok(*MAIL)

    assert waited == [2.0, 4.0]  # the clock stands still: the third is due 4 s after the first
