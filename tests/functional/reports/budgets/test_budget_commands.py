"""Budgets from the command to the notice: the hourly run, real servers of mail and HTTP.

A GB costs one EUR an hour. November has 720 hours.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clouds import installed_memory_cloud
from support.processes.command_line import Result
from support.servers import mail_server, webhook_server
from support.servers.mail_server import MailServer
from support.servers.webhook_server import SECRET, WebhookServer
from support.worlds.ledger_world import at
from support.worlds.operations_world import Deployment


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    with webhook_server.running() as running:
        yield running


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server.running() as running:
        yield running


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mail: MailServer) -> Deployment:
    """One image of 1 GB since 1 November, 00:00; hours are closed up to 01:00."""
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))
    monkeypatch.setattr(installed_memory_cloud, "CLOUDS", {})
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    made = Deployment(
        tmp_path,
        billing_options=(
            f"[mail]\nhost = 127.0.0.1\nport = {mail.port}\nsecurity = none\n"
            "sender = usage@example.com\ntimeout = 2\n"
            f"[budget]\nwebhook_secret_file = {secret}\n"
        ),
    )
    made.prepare()
    made.capture("1T00:00")
    assert made.run("1T01:05").exit_code == 0
    return made


def ok(result: Result) -> Result:
    assert result.exit_code == 0, result
    return result


def set_budget(deployment: Deployment, amount: str, *options: str) -> str:
    return ok(deployment.command("budget", "set", amount, *options)).out


def test_a_threshold_is_told_once_by_mail_and_webhook(
    deployment: Deployment, mail: MailServer, webhook: WebhookServer
) -> None:
    told = set_budget(
        deployment, "1000", "--threshold", "70", "--mail-to", "a@example.com",
        "--webhook", webhook.url,
    )  # fmt: skip

    # At 02:00: charged 2, and 718 more hours: 720 of 1000, which is 72 %.
    first = ok(deployment.run("1T02:05"))
    second = ok(deployment.run("1T03:05"))

    assert told == (
        "Account name of a has a budget of 1000.00 EUR a month, with thresholds at 70%.\n"
    )
    assert (first.err, second.err) == ("", "")
    [received] = webhook.received
    assert received.path == "/hook?token=t0p"
    assert received.is_signed
    assert received.headers["instance-images-signature"].startswith(
        f"t={int(at('1T02:05').timestamp())},v1="
    )
    assert received.json == {
        "notice": "budget-threshold",
        "id": received.headers["idempotency-key"],
        "account": {"id": "a", "name": "name of a"},
        "period": "2026-11",
        "currency": "EUR",
        "kind": "forecast",
        "threshold": 70,
        "budget": "1000.00",
        "charged": "2.00",
        "forecast": "720.00",
        "metered_until": "2026-11-01T02:00:00Z",
        "reached_at": "2026-11-01T02:05:00Z",
    }
    [message] = mail.messages
    assert mail.recipients == [["a@example.com"]]
    assert message["Subject"] == "Budget: 70% forecast, name of a, November 2026"
    assert "Forecast for the month: EUR\xa0720.00 (72.0%)" in message.get_content()
