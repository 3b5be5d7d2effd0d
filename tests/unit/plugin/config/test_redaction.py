"""Passwords and tokens do not get into a log, in whatever shape a library prints them."""

import logging
import sys

import pytest

from instance_images.config.logs import RedactingFormatter, redact

SECRET = "s3cret-Value"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql+psycopg://billing:{SECRET}@db/ledger",
        f"mysql+pymysql://billing:{SECRET}/with/slashes@db/ledger",
        f"https://:{SECRET}@keystone:5000/v3",
        f"password={SECRET}",
        f"password = {SECRET}, user = x",
        f"{{'password': '{SECRET} with spaces'}}",
        f'{{"auth": {{"password": {{"user": {{"name": "x", "password": "{SECRET}"}}}}}}}}',
        f"OS_PASSWORD={SECRET}",
        f"admin_password: {SECRET}",
        f"X-Auth-Token: {SECRET}",
        f'-H "X-Subject-Token: {SECRET}"',
        f"{{'X-Auth-Token': b'{SECRET}'}}",
        f"application_credential_secret={SECRET}",
        f"Authorization: Basic {SECRET}",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f"gAAAAABm{SECRET}{'x' * 80}",
    ],
)
def test_secrets_are_hidden(text: str) -> None:
    assert SECRET not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "RegionOne: closed 2 hours up to 2026-11-02T14:00:00Z, 1 postings, 4.50 EUR, in 0.01 s.",
        "GET call to image for http://127.0.0.1:9292/v2/images?limit=1000 used request id req-1",
        "RegionOne has no rate for the hour 2026-11-02T12:00:00Z, so it stays open",
        "sqlite:////var/lib/instance-images/instance-images.db",
        "2 tokens were renewed",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_record_loses_secrets_in_its_arguments_and_its_traceback_and_stays_as_it_is() -> None:
    try:
        raise ValueError(f"bad URL mysql://u:{SECRET}@h/d")
    except ValueError:
        error = sys.exc_info()
    record = logging.LogRecord("a", logging.ERROR, "p", 1, "token: %s", (SECRET,), error)
    formatter = RedactingFormatter(logging.Formatter("%(levelname)s %(message)s"))

    text = formatter.format(record)

    assert SECRET not in text
    assert text.startswith("ERROR token: ***\nTraceback")
    assert SECRET not in formatter.formatException(record.exc_info)
    assert (record.msg, record.args) == ("token: %s", (SECRET,))
