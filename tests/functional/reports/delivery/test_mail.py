"""Mailing reports to a real SMTP server on this machine."""

import base64
import io
import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

import pytest
from openpyxl import load_workbook

from instance_images.errors import UsageError
from instance_images_reports.delivery.mail import Attachment, Letter, compose, parse_address

from support.processes.command_line import CommandLine
from support.servers import mail_server
from support.servers.mail_server import PASSWORD, USER, MailServer
from support.worlds import report_ledger
from support.worlds.report_ledger import NOW

LAST_MONTH = ("report", "cloud-usage", "--period", "last", "--mail-to", "finance@example.com")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mail_server.make_certificate(tmp_path_factory.mktemp("certificate") / "mail.pem")


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A server without encryption."""
    with mail_server.running() as running:
        yield running


def ledger(directory: Path, port: int, **options: object) -> CommandLine:
    """Return a command line that mails by the server at that port."""
    keys = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "usage@example.com"}
    text = "\n".join(f"{key} = {value}" for key, value in (keys | options).items())
    return report_ledger.command_line(directory, mail=text)


def only_message(server: MailServer) -> EmailMessage:
    [message] = server.messages
    return message


def test_the_month_that_ended_is_mailed_as_a_workbook(tmp_path: Path, server: MailServer) -> None:
    cli = ledger(tmp_path, server.port)

    told = cli.ok(*LAST_MONTH, "--mail-to", "boss@example.com", "-f", "xlsx")

    message = only_message(server)
    assert server.recipients == [["finance@example.com", "boss@example.com"]]
    assert message["From"] == "usage@example.com"
    assert message["To"] == "finance@example.com, boss@example.com"
    assert message["Subject"] == "Cloud Usage, name of a, November 2026"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.com>")
    body = message.get_body()
    assert body is not None
    # three hours of 1 GB at 1.00 an hour
    assert "Total: EUR\xa03.00" in body.get_content()
    [attached] = message.iter_attachments()
    assert attached.get_filename() == "cloud-usage-a-2026-11-EUR.xlsx"
    assert attached.get_content_type().endswith("spreadsheetml.sheet")
    assert "Images" in load_workbook(io.BytesIO(attached.get_content())).sheetnames
    assert told.out == "cloud-usage-a-2026-11-EUR.xlsx: mailed.\n"


def test_a_text_arrives_as_it_is_written(tmp_path: Path, server: MailServer) -> None:
    cli = ledger(tmp_path, server.port)
    written = tmp_path / "written.csv"

    cli.ok(*LAST_MONTH, "-o", str(written))

    [attached] = only_message(server).iter_attachments()
    assert attached.get_content_type() == "text/csv"
    assert attached.get_param("charset") == "utf-8"
    assert attached.get_payload(decode=True) == written.read_bytes()


def test_the_text_of_the_mail_is_in_the_readers_language(
    tmp_path: Path, server: MailServer
) -> None:
    ledger(tmp_path, server.port).ok(*LAST_MONTH, "--locale", "de_DE")

    message = only_message(server)
    body = message.get_body()
    assert message["Subject"] == "Cloud-Nutzung, name of a, November 2026"
    assert body is not None
    assert "Der Bericht ist angehängt." in body.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_password_is_sent_encrypted_and_nowhere_else(
    security: str, tmp_path: Path, certificate: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    with mail_server.running(security, certificate) as server:
        cli = ledger(
            tmp_path,
            server.port,
            security=security,
            ca_file=certificate,
            user=USER,
            password_file=secret,
        )

        told = cli.ok("--debug", *LAST_MONTH)

    assert server.users == [USER]
    assert server.encrypted == [True]
    encoded = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    assert PASSWORD not in told.out + told.err
    assert encoded not in told.out + told.err


def test_a_wrong_password_is_a_fault_of_the_configuration(
    tmp_path: Path, certificate: Path
) -> None:
    with mail_server.running("starttls", certificate) as server:
        options = {"security": "starttls", "ca_file": certificate, "user": USER}
        cli = ledger(tmp_path, server.port, **options, password="hunter2")

        refused = cli.refused(2, "rejects the login of reports: 535", *LAST_MONTH)

    assert "hunter2" not in refused.out + refused.err
    assert server.messages == []


def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, certificate: Path
) -> None:
    with mail_server.running("starttls", certificate) as server:
        cli = ledger(tmp_path, server.port, security="starttls")

        cli.refused(4, "cannot be trusted or does not speak TLS: self-signed", *LAST_MONTH)

    assert server.messages == []


def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    other = mail_server.make_certificate(tmp_path / "other.pem", "192.0.2.1")
    with mail_server.running("tls", other) as server:
        cli = ledger(tmp_path, server.port, security="tls", ca_file=other)

        cli.refused(4, "IP address mismatch", *LAST_MONTH)


def test_a_server_without_encryption_gets_nothing_where_it_is_asked_for(
    tmp_path: Path, server: MailServer
) -> None:
    cli = ledger(tmp_path, server.port, security="starttls")

    cli.refused(2, "does not support what [mail] asks for: STARTTLS", *LAST_MONTH)

    assert server.messages == []


def test_a_server_that_is_down_leaves_the_file_and_says_try_again(tmp_path: Path) -> None:
    with socket.socket() as free:  # bound and not listening: nobody answers there
        free.bind(("127.0.0.1", 0))
        cli = ledger(tmp_path, free.getsockname()[1])

        cli.refused(4, "cannot be reached: Connection refused", *LAST_MONTH, "-o", str(tmp_path))

    [written] = tmp_path.glob("cloud-usage-*")
    assert written.read_bytes()


def test_a_recipient_who_is_refused_is_told_and_the_others_are_served(
    tmp_path: Path, server: MailServer
) -> None:
    server.refused["nobody@example.com"] = "550 no such user \x1b[31m"
    cli = ledger(tmp_path, server.port)

    result = cli(*LAST_MONTH, "--mail-to", "nobody@example.com")

    assert result.exit_code == 1
    assert result.err == "Warning: not mailed to nobody@example.com: 550 no such user [31m.\n"
    assert server.recipients == [["finance@example.com"]]


@pytest.mark.parametrize(("answer", "exit_code"), [("550 no", 3), ("450 greylisted", 4)])
def test_no_recipient_at_all_is_refused_for_good_or_for_now(
    answer: str, exit_code: int, tmp_path: Path, server: MailServer
) -> None:
    server.refused["finance@example.com"] = answer
    cli = ledger(tmp_path, server.port)

    cli.refused(exit_code, f"rejects all recipients: finance@example.com: {answer}", *LAST_MONTH)


@pytest.mark.parametrize(("answer", "exit_code"), [("552 too large", 3), ("452 disk full", 4)])
def test_a_mail_that_is_not_taken_is_refused_for_good_or_for_now(
    answer: str, exit_code: int, tmp_path: Path, server: MailServer
) -> None:
    server.data_answer = answer
    cli = ledger(tmp_path, server.port)

    cli.refused(exit_code, f"rejects the mail: {answer}", *LAST_MONTH)


@pytest.mark.parametrize(
    ("mail", "message"),
    [
        ("", "set host and sender in [mail]"),
        ("host = 127.0.0.1", "has host but no sender"),
        ("host = h\nsender = nobody", "[mail] sender: 'nobody' is not an e-mail address"),
        ("host = h\nsender = a@b\nuser = u\nsecurity = none", "would be sent unencrypted"),
        ("host = 127.0.0.1\nsender = a@b\nca_file = /none\nport = 1\nsecurity = tls", "ca_file"),
    ],
)
def test_what_is_missing_in_the_configuration_is_told(
    mail: str, message: str, tmp_path: Path, server: MailServer
) -> None:
    cli = ledger(tmp_path, server.port)
    text, _, _ = cli.config_file.read_text().partition("[mail]")
    cli.config_file.write_text(f"{text}[mail]\n{mail}\n")

    cli.refused(2, message, *LAST_MONTH)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), (b"\xff\n", "it is not text"), ("pässword".encode(), "beyond ASCII")],
)
def test_a_password_file_that_cannot_be_used_is_told(
    content: bytes | None,
    message: str,
    certificate: Path,
    tmp_path: Path,
) -> None:
    secret = tmp_path / "password"
    if content is not None:
        secret.write_bytes(content)
    with mail_server.running("starttls", certificate) as server:
        options = {"security": "starttls", "ca_file": certificate, "user": USER}
        cli = ledger(tmp_path, server.port, **options, password_file=secret)

        cli.refused(2, message, *LAST_MONTH)


@pytest.mark.parametrize(
    "address",
    ["", "finance", "a@b, c@d", "a@b\nBcc: c@d", "A <a@b>", "@b", "a@", "a b@c", "a@-b", "ä@b.de"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is not an e-mail address"):
        parse_address(address)


def test_a_domain_beyond_ascii_is_written_as_the_mail_servers_know_it() -> None:
    assert parse_address("info@münchen.example") == "info@xn--mnchen-3ya.example"


def test_a_name_adds_no_header_to_a_mail() -> None:
    attachment = Attachment("report.txt", b"", "text/plain")

    message = compose(
        sender="a@b",
        recipients=["c@d"],
        letter=Letter("Cloud Usage, evil\r\nBcc: x@y\u202e", "text\n", attachment),
        now=NOW,
    )

    read = message_from_bytes(message.as_bytes())
    assert read["Bcc"] is None
    assert read["Subject"] == "Cloud Usage, evilBcc: x@y"
