"""Passwords and tokens do not get into a log, in whatever shape a library prints them."""

import json
import logging
import sys
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote

import pytest

from instance_images.config import redaction
from instance_images.config.logs import RedactingFormatter
from instance_images.config.redaction import redact

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
        f"eyJhbGciOiJFUzI1NiJ9.{SECRET}.c2lnbmF0dXJl",
        f"postgresql://u@db/ledger?sslmode=require&sslpassword={SECRET}",
        f"rabbit://u:x@one:5672,v:{SECRET}@two:5672/vhost",
        f"mysql+pymysql://u:with@{SECRET}@db/ledger",
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


@pytest.fixture
def registered() -> Iterator[None]:
    yield
    redaction.forget()


@pytest.mark.parametrize(
    "secret", ["p@ss w\u00f6rd/%41", "a+b&c=d;e", "quo'te\"s\\", "dollar$$word", "hunter2"]
)
def test_a_registered_secret_is_hidden_in_every_form(secret: str, registered: None) -> None:
    redaction.register([secret])

    forms = [secret, quote(secret), quote(secret, safe=""), quote_plus(secret), unquote(secret)]
    forms += [repr(secret)[1:-1], json.dumps(secret)[1:-1], secret.replace("$$", "$")]
    for form in forms:
        assert redact(f"<{form}>") == "<***>"
        assert redaction.redact_message(f"<{form}>") == "<***>"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgresql://u:one@db/x", {"one"}),
        ("postgresql://u:o@n@e@db/x", {"o@n@e", "o", "n", "e"}),
        ("postgresql+psycopg:/u:one@db/x", {"one"}),
        ("postgresql://u@db/x?password=a@b&sslpassword=c%40d", {"a@b", "c%40d"}),
        ("rabbit://u:one@h:1,v:two@h:2/vhost", {"one", "two"}),
        ("rabbit://u:a,b@h:1/vhost", {"a,b"}),
        ("sqlite:////var/lib/instance-images.db", set()),
        ("no URL", set()),
    ],
)
def test_the_passwords_of_a_url_are_found(url: str, parts: set[str]) -> None:
    assert parts <= redaction.passwords_of(url)
    assert parts or not redaction.passwords_of(url)


def test_our_own_sentences_stay(registered: None) -> None:
    hint = "has user but no password: set password_file; write rabbit://USER:PASSWORD@HOST/V"

    assert redaction.redact_message(hint) == hint


def test_a_secret_of_few_letters_does_not_spoil_every_text(registered: None) -> None:
    redaction.register(["in"])

    assert redact("stored in Glance, password=in") == "stored in Glance, password=***"


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
