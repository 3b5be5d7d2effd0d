"""Checks of budgets on real databases: races, the report's own figures, and the number of queries.

A GB costs one EUR an hour.
"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from instance_images.config.redaction import redact
from instance_images.db.engine import Database
from instance_images_billing.ledger import rates
from instance_images_billing.ledger.adjustments import insert_adjustments
from instance_images_billing.pricing.corrections import HAND, LATE, Adjustment
from instance_images_billing.pricing.periods import parse_period
from instance_images_reports.budgets import notices
from instance_images_reports.budgets.check import check_budgets, read_period
from instance_images_reports.budgets.content import Told, mail_of
from instance_images_reports.budgets.deliver import Office, deliver_due
from instance_images_reports.budgets.records import Budget, add_budget, list_budgets
from instance_images_reports.budgets.webhook import WebhookFailed, post, signed
from instance_images_reports.config import BudgetSettings, MailSettings

from support.servers import mail_server, webhook_server
from support.servers.webhook_server import SECRET, WebhookServer
from support.worlds.ledger_world import GB, World, at

UTC_ZONE = ZoneInfo("UTC")
NOVEMBER = parse_period("2026-11", UTC_ZONE)


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    with webhook_server.running() as running:
        yield running


def budget(account: str, amount: int, url: str = "", **more: object) -> Budget:
    made = Budget(
        key=0,
        account_id=account,
        currency="EUR",
        amount_nanos=amount * 10**9,
        thresholds=(50, 100),
        mail_to=(),
        webhook_url=url,
        locale="en",
        set_at=at("1T00:00"),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def give(database: Database, *budgets: Budget) -> None:
    with database.writing() as connection:
        for one in budgets:
            add_budget(connection, one)


def office(database: Database, world: World, secret: Path) -> Office:
    secret.write_text(SECRET)
    return Office(
        database=database,
        budget=BudgetSettings(secret),
        mail=None,
        timezone=UTC_ZONE,
        clock=world.clock,
    )


def test_runs_at_once_record_and_send_each_notice_once(
    database: Database, tmp_path: Path, webhook: WebhookServer
) -> None:
    world = World(database)
    world.set_rate()
    world.capture("1T00:00")
    world.run("1T02:05")
    give(database, budget("a", 2, webhook.url))
    sender = office(database, world, tmp_path / "secret")
    ready = threading.Barrier(4)

    def run() -> None:
        ready.wait()
        check_budgets(database, ["RegionOne"], UTC_ZONE, world.clock())
        deliver_due(sender)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # The charge, 2 of 2, and the forecast, 720, have both reached 100 %.
    told = sorted((r.json["kind"], r.json["threshold"]) for r in webhook.received)
    assert told == [("charge", 100), ("forecast", 100)]
    with database.reading() as connection:
        found = notices.list_notices(connection, "2026-11")
    assert sorted((one.kind, one.threshold, one.state) for one in found) == [
        ("charge", 50, "recorded"),
        ("charge", 100, "sent"),
        ("forecast", 50, "recorded"),
        ("forecast", 100, "sent"),
    ]


def test_figures_are_those_of_the_report(database: Database) -> None:
    world = World(database)
    world.set_rate()
    with database.writing() as connection:
        [first] = rates.list_rates(connection, "RegionOne")
        terms = {"free_bytes": GB // 3, "minimum_nanos": 100 * 10**9}
        rates.write_rate(connection, replace(first, **terms))
        later = replace(first, from_hour=at("20T00:00"), price_nanos=365 * 10**9)
        rates.write_rate(connection, later)
    for number, account in enumerate("abcdef"):
        world.capture(f"{number + 1}T00:07:11", account=account, size=GB // 7 * (number + 1))
    gone = world.capture("3T00:00", account="a", size=3 * GB)
    world.run("4T03:05")
    world.delete("4T02:30", gone, account="a")  # known late: a correction
    world.run("4T07:05")
    with database.writing() as connection:
        key = world.postings("a")[0].account_key
        made = Adjustment(
            account_key=key,
            image_id=gone,
            corrects_at=at("3T01:00"),
            counted_at=at("4T07:00"),
            kind=HAND,
            byte_seconds=0,
            amount_nanos=-(10**9),
            reason="agreed",
            author="me",
            posted_at=at("4T07:06"),
        )
        insert_adjustments(connection, [made])
    give(database, *(budget(account, 100) for account in "abcdef"))

    with database.snapshot() as connection:
        checked = read_period(connection, NOVEMBER)

    assert checked is not None
    assert len(checked.budgets) == 6
    for one, figures in checked.budgets:
        [section] = world.statement(one.account_id).sections
        assert figures is not None
        assert section.forecast is not None
        assert (figures.charged, figures.forecast) == (section.total, section.forecast.total)
    kinds = {one.kind for one in world.adjustments("a")}
    assert kinds == {HAND, LATE}
    assert any(figures and figures.forecast == 100 for _, figures in checked.budgets)  # the minimum


def test_queries_do_not_grow_with_accounts(database: Database) -> None:
    world = World(database)
    world.set_rate()
    for account in "abcdefgh":
        world.capture("1T00:00", account=account)
    world.run("1T02:05")
    counted: list[str] = []

    def count(*arguments: object) -> None:
        counted.append(str(arguments[2]))

    def queries() -> int:
        counted.clear()
        check_budgets(database, ["RegionOne"], UTC_ZONE, at("1T02:05"))
        return len(counted)

    sa.event.listen(database.engine, "before_cursor_execute", count)
    give(database, budget("a", 10**6))
    one = queries()
    give(database, *(budget(account, 10**6) for account in "bcdefgh"))
    eight = queries()

    assert one == eight


def test_a_removed_budget_and_one_of_later_do_not_count(database: Database) -> None:
    give(
        database,
        budget("a", 1),
        budget("a", 2, set_at=at("5T00:00")),
        budget("b", 3),
        budget("b", 0, amount_nanos=None, set_at=datetime(2026, 12, 2, tzinfo=UTC)),
    )

    with database.reading() as connection:
        now = list_budgets(connection)
        november = list_budgets(connection, before=NOVEMBER.end)

    assert [(one.account_id, one.amount_nanos) for one in now] == [("a", 2 * 10**9)]
    assert [(one.account_id, one.amount_nanos) for one in november] == [
        ("a", 2 * 10**9),
        ("b", 3 * 10**9),
    ]


def test_attempts_end_after_ten(database: Database, tmp_path: Path, webhook: WebhookServer) -> None:
    world = World(database)
    world.set_rate()
    world.capture("1T00:00")
    world.run("1T02:05")
    webhook.status = 500
    give(database, budget("a", 1000, webhook.url))
    check_budgets(database, ["RegionOne"], UTC_ZONE, world.clock())
    sender = office(database, world, tmp_path / "secret")

    tried_at = []
    for hour in range(24 * 8):
        world.clock.now = at(f"{1 + (hour + 2) // 24}T{(hour + 2) % 24:02}:05")
        before = len(webhook.received)
        deliver_due(sender)
        tried_at += [hour] * (len(webhook.received) - before)

    # 1, 2, 4, 8, 16 and then 24 hours apart.
    assert tried_at == [0, 1, 3, 7, 15, 31, 55, 79, 103, 127]
    with database.reading() as connection:
        [notice] = [one for one in notices.unsent(connection, world.clock()) if one.error]
    assert notice.state == notices.FAILED


def test_servers_that_do_not_take_notices_delay_no_others(
    database: Database, tmp_path: Path, webhook: WebhookServer
) -> None:
    world = World(database)
    world.set_rate()
    for account in "abcdef":
        world.capture("1T00:00", account=account)
    world.run("1T02:05")
    dead = "http://127.0.0.1:9/hook"
    give(
        database,
        *(budget(account, 2, dead) for account in "abc"),
        *(budget(account, 2, mail_to=(f"{account}@example.com",)) for account in "de"),
        budget("f", 2, webhook.url),
    )
    check_budgets(database, ["RegionOne"], UTC_ZONE, world.clock())
    with mail_server.running() as mail:
        mail.refused["d@example.com"] = "450 later"
        settings = MailSettings(
            host="127.0.0.1",
            port=mail.port,
            security="none",
            ca_file=None,
            user=None,
            password=None,
            password_file=None,
            sender="usage@example.com",
            timeout_seconds=2,
            per_minute=600,
        )
        sender = replace(office(database, world, tmp_path / "secret"), mail=settings)

        problems = deliver_due(sender)

    # Each has reached 100 % by the charge and by the forecast. The dead server is tried once, and
    # what it was to take is put off to the next run, as is what was tried.
    assert len(problems) == 2
    assert [one.json["account"]["id"] for one in webhook.received] == ["f", "f"]
    assert (mail.connections, mail.recipients) == (1, [["e@example.com"]] * 2)
    with database.reading() as connection:
        found = notices.unsent(connection, world.clock())
        now_due = notices.due(connection, world.clock(), 100)
        later_due = notices.due(connection, at("1T03:05"), 100)
    assert sum(one.attempts for one in found if one.account_id in "abc") == 1
    assert (len(now_due), len(later_due)) == (0, 8)


def test_a_server_that_drips_is_left_in_time(webhook: WebhookServer) -> None:
    webhook.drips = True
    request = signed(b"{}", "id", SECRET.encode(), at("1T00:00"))

    with pytest.raises(WebhookFailed) as caught:
        post(webhook.url, request, None, deadline_seconds=1.5)

    assert caught.value.is_unreachable
    assert "token" not in str(caught.value)


def test_https_is_verified(tmp_path: Path) -> None:
    certificate = mail_server.make_certificate(tmp_path / "webhook.pem")
    request = signed(b"{}", "id", SECRET.encode(), at("1T00:00"))
    with webhook_server.running(certificate) as server:
        with pytest.raises(WebhookFailed, match="cannot be trusted"):
            post(server.url, request, None)

        post(server.url, request, certificate)

    [received] = server.received
    assert received.is_signed


def test_hostile_names_end_no_header() -> None:
    notice = notices.Notice(
        notice_key=1,
        notice_id="0f9e6a1c-5b1d-4c55-9a80-8f6f0a6f3f11",
        account_id="a",
        currency="EUR",
        period="2026-11",
        kind="charge",
        threshold=80,
        occurrence=0,
        channel="mail",
        amount_nanos=400 * 10**9,
        charged_nanos=320 * 10**9,
        forecast_nanos=None,
        metered_until=at("9T00:00"),
        reached_at=at("9T00:05"),
        lapsed_at=None,
        state="pending",
        attempts=0,
        due_at=at("9T00:05"),
        sent_at=None,
        error=None,
    )
    whose = budget("a", 400, mail_to=("finance@example.com",))
    told = Told(notice, whose, "Evil\r\nBcc: victim@example.com\r\n\r\n\x1b[2J")

    message = mail_of(told, "usage@example.com", UTC_ZONE, at("9T00:05"))

    assert isinstance(message, EmailMessage)
    assert message["Bcc"] is None
    assert message["To"] == "finance@example.com"
    assert message["Message-ID"] == f"<{notice.notice_id}@example.com>"
    assert message["Subject"].startswith("Budget: 80% reached, Evil")
    lines = message.get_content().splitlines()
    assert "Charged so far: EUR\xa0320.00 (80.0%)" in lines
    assert not any(line.startswith("Bcc:") for line in lines)
    assert "\x1b" not in message.get_content()
    assert redact(SECRET)
