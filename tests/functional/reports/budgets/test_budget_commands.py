"""Budgets from the command to the notice: the hourly run, real servers of mail and HTTP.

A GB costs one EUR an hour. November has 720 hours.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pypdf import PdfReader

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
    made = prepared(tmp_path, monkeypatch, mail)
    made.capture("1T00:00")
    assert made.run("1T01:05").exit_code == 0
    return made


def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mail: MailServer) -> Deployment:
    """Return a deployment without images."""
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


def test_the_highest_of_several_thresholds_reached_at_once_is_told(
    deployment: Deployment, webhook: WebhookServer
) -> None:
    # Forecast 720 of 700: 50, 80 and 100 % are reached at once. The charge has reached none.
    set_budget(deployment, "700", "--webhook", webhook.url)

    ok(deployment.run("1T02:05"))

    assert [(r.json["kind"], r.json["threshold"]) for r in webhook.received] == [("forecast", 100)]
    [listed] = ok(deployment.command("budget", "list")).json
    assert (listed["charged"], listed["percent"]) == ("2.00", "0.3")
    assert (listed["forecast"], listed["forecast_percent"]) == ("720.00", "102.9")
    assert (listed["reached"], listed["reached_by_forecast"]) == ([], [50, 80, 100])
    assert listed["last_notice"]["state"] == "sent"
    assert listed["webhook"] == webhook.url.partition("/hook")[0]


def test_charge_and_forecast_are_told_apart(deployment: Deployment, webhook: WebhookServer) -> None:
    set_budget(deployment, "4", "--threshold", "100", "--webhook", webhook.url)

    ok(deployment.run("1T02:05"))
    assert [r.json["kind"] for r in webhook.received] == ["forecast"]
    ok(deployment.run("1T03:05"))
    assert [r.json["kind"] for r in webhook.received] == ["forecast"]
    ok(deployment.run("1T04:05"))

    # At 04:00 the charge is 4, exactly the budget.
    assert [r.json["kind"] for r in webhook.received] == ["forecast", "charge"]
    assert webhook.received[-1].json["charged"] == "4.00"


def test_a_failing_webhook_is_tried_again_with_the_same_id(
    deployment: Deployment, webhook: WebhookServer
) -> None:
    webhook.status = 503
    set_budget(deployment, "1000", "--threshold", "70", "--webhook", webhook.url)

    failed = ok(deployment.run("1T02:05"))  # the hours are closed: that is success
    between = ok(deployment.run("1T02:30"))  # the next attempt is an hour away
    webhook.status = 200
    ok(deployment.run("1T03:05"))
    ok(deployment.run("1T04:05"))

    origin = webhook.url.partition("/hook")[0]
    assert failed.err == (
        f"Warning: A notice of a budget could not be sent: The webhook at {origin} answered 503.\n"
    )
    assert between.err == ""
    first, second = webhook.received
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    assert second.is_signed


def test_a_run_killed_after_sending_sends_again_with_the_same_id(
    deployment: Deployment,
    mail: MailServer,
    webhook: WebhookServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = ("--threshold", "70", "--mail-to", "a@example.com", "--webhook", webhook.url)
    set_budget(deployment, "1000", *options)

    with monkeypatch.context() as patch:  # as if it ended before it could record anything
        patch.setattr("instance_images_reports.budgets.notices.record_sent", lambda *_: None)
        deployment.run("1T02:05")
    ok(deployment.run("1T03:05"))
    ok(deployment.run("1T04:05"))

    assert len({r.headers["idempotency-key"] for r in webhook.received}) == 1
    assert len(webhook.received) == 2
    assert len({message["Message-ID"] for message in mail.messages}) == 1
    assert len(mail.messages) == 2


def test_a_correction_below_a_threshold_and_back_is_told_once(
    deployment: Deployment, webhook: WebhookServer
) -> None:
    set_budget(deployment, "2", "--threshold", "100", "--webhook", webhook.url)
    ok(deployment.run("1T02:05"))
    [image] = ok(deployment.command("image", "list", "--all-accounts")).json
    hours = "2026-11-01T01:00Z..2026-11-01T02:00Z"
    adjust = ("meter", "adjust", "--image", image["id"], "--hours", hours, "--waive", "--yes")
    ok(deployment.command(*adjust, "--reason", "agreed"))
    [lower] = ok(deployment.command("budget", "list")).json

    ok(deployment.run("1T03:05"))

    assert (lower["charged"], lower["reached"]) == ("1.00", [])
    assert [r.json["kind"] for r in webhook.received] == ["charge", "forecast"]


def test_a_raised_budget_tells_again_what_it_does_not_reach(
    deployment: Deployment, webhook: WebhookServer
) -> None:
    # At 02:00: charge 2 of 2. A budget of 3 is reached by the forecast still, by the charge again
    # at 03:00.
    set_budget(deployment, "2", "--threshold", "100", "--webhook", webhook.url)
    ok(deployment.run("1T02:05"))

    told = set_budget(deployment, "3", "--threshold", "100", "--webhook", webhook.url)
    ok(deployment.run("1T02:35"))
    kinds = [r.json["kind"] for r in webhook.received]
    ok(deployment.run("1T03:05"))

    assert "will be told again: 100% (charge)." in told
    assert sorted(kinds) == ["charge", "forecast"]
    assert [r.json["kind"] for r in webhook.received[2:]] == ["charge"]
    assert webhook.received[2].json["budget"] == "3.00"


def test_a_lowered_budget_tells_only_what_was_not_told(
    deployment: Deployment, webhook: WebhookServer
) -> None:
    set_budget(deployment, "2", "--threshold", "100", "--webhook", webhook.url)
    ok(deployment.run("1T02:05"))

    set_budget(deployment, "1", "--threshold", "100", "--threshold", "200",
               "--webhook", webhook.url)  # fmt: skip
    ok(deployment.run("1T02:35"))

    assert sorted((r.json["kind"], r.json["threshold"]) for r in webhook.received) == [
        ("charge", 100), ("charge", 200), ("forecast", 100), ("forecast", 200),
    ]  # fmt: skip


def test_each_month_is_told_anew_and_a_former_one_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mail: MailServer, webhook: WebhookServer
) -> None:
    deployment = prepared(tmp_path, monkeypatch, mail)
    deployment.capture("30T12:00")
    ok(deployment.run("30T13:05"))
    set_budget(deployment, "11", "--threshold", "100", "--webhook", webhook.url)
    ok(deployment.run("30T23:05"))
    deployment.clock.now = at("30T02:30").replace(month=12, day=1)
    ok(deployment.command("meter", "run"))

    # November: 11 are charged at 23:00, and 12 forecast. December: 2 are charged, 744 forecast.
    told = sorted((r.json["period"], r.json["kind"]) for r in webhook.received)
    assert told == [("2026-11", "charge"), ("2026-11", "forecast"), ("2026-12", "forecast")]


def test_a_redirect_is_not_followed(deployment: Deployment, webhook: WebhookServer) -> None:
    webhook.status, webhook.headers = 307, {"Location": webhook.url}
    set_budget(deployment, "1000", "--threshold", "70", "--webhook", webhook.url)

    result = ok(deployment.run("1T02:05"))

    assert "answered 307. Redirects are not followed." in result.err
    assert len(webhook.received) == 1


def test_mails_speak_german(deployment: Deployment, mail: MailServer) -> None:
    set_budget(
        deployment, "1000", "--threshold", "70", "--mail-to", "a@example.com", "--locale", "de_DE"
    )
    ok(deployment.run("1T02:05"))

    [message] = mail.messages
    assert mail.recipients == [["a@example.com"]]
    assert message["Subject"] == "Budget: 70\xa0% erwartet, name of a, November 2026"
    assert "Prognose für den Monat: 720,00\xa0EUR (72,0\xa0%)" in message.get_content()


def test_a_dead_server_costs_no_hour_and_no_other_notice(
    deployment: Deployment, mail: MailServer, webhook: WebhookServer
) -> None:
    dead = "http://127.0.0.1:9/hook"
    set_budget(deployment, "1000", "--threshold", "70", "--webhook", dead,
               "--mail-to", "a@example.com")  # fmt: skip

    result = ok(deployment.run("1T02:05"))

    assert "closed 1 hour" in result.out
    assert "The webhook at http://127.0.0.1:9 gave no usable answer" in result.err
    assert len(mail.messages) == 1
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(
            deployment.metrics.with_name("instance_images_budgets.prom").read_text()
        )
        for sample in family.samples
    }
    assert found == {
        "instance_images_budget_amount": 1000,
        "instance_images_budget_charge": 2,
        "instance_images_budget_forecast": 720,
        "instance_images_budget_notices_pending": 1,
        "instance_images_budget_notices_failed": 0,
    }
    doctor = deployment.command("doctor", "-f", "json")
    assert any(one["check"] == "budgets" for one in doctor.json)


def test_without_a_budget_the_run_writes_nothing_of_budgets(deployment: Deployment) -> None:
    ok(deployment.run("1T02:05"))

    assert not deployment.metrics.with_name("instance_images_budgets.prom").exists()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("0",), 2, "more than 0"),
        (("1.234",), 2, "EUR, which has 2: round it"),
        (("400", "--currency", "USD"), 2, "'USD' is not a currency of this deployment"),
        (("400", "--threshold", "0"), 2, "0 is not in the range 1<=x<=1000"),
        (("400", "--mail-to", "a@b\nBcc: c@d"), 2, "is not an e-mail address"),
        (("400", "--webhook", "ftp://example.com/"), 2, "write http:// or https://"),
        (("400", "--webhook", "http://user:pass@example.com/"), 2, "without a user"),
        (("400", "--webhook", "http://example.com/\r\nX: y"), 2, "write http://"),
        (("400", "--locale", "xx_YY"), 2, "is not a known locale"),
        (("400", "--account", "nobody"), 3, "Known are: name of a (a)."),
    ],
)
def test_wrong_input_is_refused_with_the_cure(
    deployment: Deployment, arguments: tuple[str, ...], exit_code: int, message: str
) -> None:
    result = deployment.command("budget", "set", *arguments)

    assert result.exit_code == exit_code, result
    assert message in result.err
    assert ok(deployment.command("budget", "list")).json == []


def test_an_unset_budget_is_watched_no_more(deployment: Deployment, webhook: WebhookServer) -> None:
    set_budget(deployment, "700", "--webhook", webhook.url)

    told = ok(deployment.command("budget", "unset")).out
    ok(deployment.run("1T02:05"))

    assert told == "Account name of a has no budget in EUR any more.\n"
    assert webhook.received == []
    again = deployment.command("budget", "unset")
    assert again.exit_code == 3
    assert "Currencies with a budget: none. 'instance-images budget list' shows all." in again.err


def test_reports_have_a_line_of_the_budget(deployment: Deployment) -> None:
    set_budget(deployment, "1000")
    report = ("report", "cloud-usage", "--period", "2026-11", "-f")

    text = ok(deployment.command(*report, "text")).out
    html = ok(deployment.command(*report, "html")).out
    found = ok(deployment.command(*report, "json")).json
    pdf = PdfReader(BytesIO(ok(deployment.command(*report, "pdf")).content))

    line = "EUR 1,000.00, 0.1% used, forecast EUR 720.00 (72.0%)"
    assert f"Budget         {line}" in text
    assert line in html.replace("\xa0", " ")
    assert line in " ".join(pdf.pages[0].extract_text().split())
    assert found["budget"] == {
        "amount": "1000.00",
        "charged": "1.00",
        "percent": "0.1",
        "forecast": "720.00",
        "forecast_percent": "72.0",
    }
