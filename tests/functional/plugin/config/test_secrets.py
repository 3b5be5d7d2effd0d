"""No error, log line or traceback holds any part of a secret, however it is written in a file."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from instance_images.config import logs as logging_setup
from instance_images.config import redaction

from conftest import ConfiguredCommandLine
from support.processes.command_line import CommandLine, write_config

# Any four letters of it in the output would be a part of it.
PARTS = ("QWZX", "KJVB", "MGPF", "DW77")
COMMANDS = (("meter", "status"), ("doctor", "-f", "json"), ("db", "check"), ("listen",))


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text("clouds: {}\n")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))


def told(config: Path, *command: str) -> str:
    """Return all that the command prints, with its log and tracebacks."""
    result = CommandLine(config)("--debug", *command)
    logging_setup.keep_quiet()
    assert result.exit_code in (1, 2, 4), result
    return result.out + result.err


def assert_hidden(directory: Path, *commands: tuple[str, ...], **sections: str) -> str:
    more = {name: text for name, text in sections.items() if name != "database"}
    url = f"sqlite:///{directory / 'instance-images.db'}"
    config = write_config(directory / "x.conf", url, **more)
    if "database" in sections:
        config.write_text(config.read_text().replace(f"connection = {url}", sections["database"]))
    all_told = "".join(told(config, *command) for command in commands or COMMANDS)
    assert not [part for part in PARTS if part in all_told], all_told
    return all_told


def test_what_a_library_warns_of_is_in_the_log_alone(
    tmp_path: Path, configured: ConfiguredCommandLine
) -> None:
    """In a process of its own: in this one, pytest takes the warnings."""
    (tmp_path / "clouds.yaml").write_text(
        "clouds: {admin: {image_api_version: latest,"
        " auth: {auth_url: 'http://127.0.0.1:9/v3', password: QWZXKJVB, username: u}}}"
    )
    config = configured(DEFAULT=f"log_file = {tmp_path / 'x.log'}").config_file
    command = [sys.executable, "-m", "instance_images.commands.main", "--config-file", str(config)]

    done = subprocess.run([*command, "image", "sync"], capture_output=True, text=True, check=False)

    assert len(done.stderr.splitlines()) == 1, done.stderr
    logged = (tmp_path / "x.log").read_text()
    assert "You have a configured API_VERSION with 'latest'" in logged
    assert "QWZX" not in done.stderr + logged


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:QWZXKJVB@127.0.0.1:1/x",
        "postgresql+psycopg://u:QWZ%58KJVB@127.0.0.1:1/x",
        "postgresql+psycopg://u@127.0.0.1:1/x?password=QWZXKJVB",
        "postgresql+psycopg://127.0.0.1:1/x?user=u&sslpassword=QWZXKJVB",
        "mysql+pymysql://u@127.0.0.1:1/x?password=QWZXKJVB",
        "mysql+pymysql://u:QWZXKJVB@127.0.0.1:1/x",
        "postgresql+psycopg://u:QWZX@KJVB@127.0.0.1:1/x",
        "postgresql+psycopg://u:QWZX@KJVB@MGPF@127.0.0.1:1/x",
        "postgresql+psycopg://u:QWZX$$KJVB@127.0.0.1:1/x",
        "postgresql+psycopg://u:QWZX:KJVB/MGPF#DW77@127.0.0.1:1/x",
        "postgresql+psycopg://u@h:QWZXKJVB/x",
        "postgresql+psycopg:/u:QWZXKJVB@h/x",
        "nonsense://u:QWZXKJVB@h/x",
        "mysql+pymysql://u@127.0.0.1:1/x?connect_timeout=QWZXKJVB",
        "sqlite:////tmp/x.db?QWZXKJVB=1",
        "sqlite:////tmp/x.db?timeout=QWZXKJVB",
    ],
)
def test_the_password_of_the_database_is_hidden(url: str, tmp_path: Path) -> None:
    assert_hidden(tmp_path, *COMMANDS[:3], database=f"connection = {url}")


def test_a_database_is_named_where_its_url_has_no_password(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'nowhere.db'}"
    config = write_config(tmp_path / "x.conf", url)

    CommandLine(config).refused(
        2, f"The database {tmp_path / 'nowhere.db'} does not exist", "meter", "status"
    )
    (tmp_path / "nowhere.db").touch()
    CommandLine(config).refused(
        2, f"The schema of database {url} is out of date", "meter", "status"
    )


@pytest.mark.parametrize(
    "url",
    [
        "rabbit://u:QWZXKJVB@127.0.0.1:1/",
        "rabbit://u:QWZXKJVB@127.0.0.1:1,v:MGPFDW77@127.0.0.1:2/x",
        "rabbit://u:QWZX@KJVB@127.0.0.1:1/",
        "rabit://u:QWZXKJVB@h/",
        "rabbit://u:QWZXKJVB@h:port/",
        "rabbit://u:x@h:QWZXKJVB/",
    ],
)
def test_the_password_of_the_broker_is_hidden(url: str, tmp_path: Path) -> None:
    assert_hidden(tmp_path, ("doctor", "-f", "json"), location=f"events_url = {url}")


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("database", "connection = postgresql://u:QWZX$KJVB@h/x"),
        ("database", "connection = postgresql://u:QWZX${KJVB}@h/x"),
        ("database", "connection = postgresql://u:QWZX$locations@h/x"),
        ("mail", "host = h\nsender = a@b.c\npassword = MGPF$DW77"),
        ("location", "events_url = rabbit://u:QWZX$KJVB@h/"),
        ("report", "provider_name = $QWZXKJVB"),
    ],
)
def test_a_dollar_is_told_with_its_line_and_cure(section: str, text: str, tmp_path: Path) -> None:
    output = assert_hidden(tmp_path, **{section: text})

    lines = (tmp_path / "x.conf").read_text().splitlines()
    [number] = [n for n, line in enumerate(lines, 1) if "$" in line]
    assert f"x.conf, line {number}: [" in output
    assert "write $ as $$." in output


@pytest.mark.parametrize(
    "text",
    [
        "connection = postgresql://u:\nQWZXKJVB@h/x",
        "connection = postgresql://u:\n\n  QWZXKJVB@h/x",
        "[QWZXKJVB",
        "=QWZXKJVB",
        "connection: x\nQWZXKJVB=MGPFDW77",
        "connection = sqlite:///x\n[limits]\nmax_images = 3\n QWZXKJVB",
        "connection = sqlite:///x\n[oslo_messaging_rabbit]\nQWZXKJVB = x",
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(text: str, tmp_path: Path) -> None:
    broker = "events_url = rabbit://u:x@h/"

    assert "line " in assert_hidden(tmp_path, ("listen",), database=text, location=broker)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xef\xbb\xbf[DEFAULT]\n", "byte order mark"),
        ("[DEFAULT]\n".encode("utf-16"), "UTF-16"),
        (b"[DEFAULT]\n\n# M\xfcller\n", "line 3: is not UTF-8"),
    ],
)
def test_a_file_that_is_not_plain_utf8_is_told(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.conf"
    path.write_bytes(content)

    CommandLine(path).refused(2, message, "meter", "status")


def test_a_value_that_cannot_be_used_is_told_with_its_line(tmp_path: Path) -> None:
    config = write_config(tmp_path / "x.conf", "sqlite://", limits="max_images = many")

    line = config.read_text().splitlines().index("max_images = many") + 1
    message = f"x.conf, line {line}: [limits] max_images has an invalid value"
    CommandLine(config).refused(2, message, "meter", "status")


def test_a_thread_that_breaks_is_logged_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import threading

    redaction.register(["QWZXKJVB"])
    logging_setup.show_on_stderr()

    def fail() -> None:
        raise ValueError("amqp://u:QWZXKJVB")

    before, threading.excepthook = threading.excepthook, logging_setup.log_end_of_thread
    try:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before
        logging_setup.keep_quiet()
        redaction.forget()

    assert "ValueError: amqp://u:***" in capsys.readouterr().err
    assert logging.getLogger().level == logging.WARNING
