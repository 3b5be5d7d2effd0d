"""Sends the notices that are due, in a bounded time. A notice is sent at least once.

Each server is spoken to by one thread, and left alone for the rest of the run once it does not
answer: a dead one delays nothing but its own notices. What is not done when the time is over is
left to the next run; its threads end with the process.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from instance_images.config.redaction import redact
from instance_images.db.engine import Database
from instance_images.db.tables import accounts
from instance_images.errors import ConfigurationError, InstanceImagesError, MailUnavailable
from instance_images.names import printable
from instance_images.parallel import REQUESTS_AT_ONCE, carried
from instance_images_reports.budgets import notices, webhook
from instance_images_reports.budgets.content import Told, mail_of, webhook_body
from instance_images_reports.budgets.notices import Notice
from instance_images_reports.budgets.records import Budget, list_budgets
from instance_images_reports.config import BudgetSettings, MailSettings
from instance_images_reports.delivery.smtp import send

LOG = logging.getLogger(__name__)

RUN_SECONDS = 60.0
NOTICES_PER_RUN = 1000
_MAIL_SECONDS = 10
_MAX_ERROR_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What notices are sent with."""

    database: Database
    budget: BudgetSettings
    mail: MailSettings | None
    timezone: ZoneInfo
    clock: Callable[[], datetime]


def deliver_due(office: Office, run_seconds: float = RUN_SECONDS) -> list[str]:
    """Send what is due; return what went wrong, a sentence for each server."""
    waiting: queue.SimpleQueue[list[Told]] = queue.SimpleQueue()
    batches = list(_batches(office))
    for batch in batches:
        waiting.put(batch)
    problems: list[str] = []
    is_over = threading.Event()
    work = carried(lambda _: _work(office, waiting, problems, is_over))
    threads = [
        threading.Thread(target=work, args=(None,), daemon=True)
        for _ in range(min(REQUESTS_AT_ONCE, len(batches)))
    ]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + run_seconds
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    is_over.set()
    if any(thread.is_alive() for thread in threads):
        problems.append("Not all notices of budgets could be sent in time: the next run goes on.")
    return list(problems)


def _batches(office: Office) -> Iterable[list[Told]]:
    """Return the notices that are due, by the server that takes them."""
    now = office.clock()
    with office.database.reading() as connection:
        due = notices.due(connection, now, NOTICES_PER_RUN)
        budgets = {(one.account_id, one.currency): one for one in list_budgets(connection)}
        names = _names(connection, {notice.account_id for notice in due})
    found: dict[str, list[Told]] = {}
    for notice in due:
        budget = budgets.get(notice.whose)
        if budget is None or notice.channel not in budget.channels:
            _apply(office, notices.cancel, notice)
        elif notice.attempts >= notices.MAX_ATTEMPTS:
            _apply(office, notices.record_failure, notice, notice.error or "No attempt ended.")
        else:
            told = Told(notice, budget, names.get(notice.account_id, notice.account_id))
            found.setdefault(_server(notice, budget), []).append(told)
    return found.values()


def _server(notice: Notice, budget: Budget) -> str:
    return "mail" if notice.channel == "mail" else webhook.origin_of(budget.webhook_url)


def _names(connection: sa.Connection, account_ids: Iterable[str]) -> dict[str, str]:
    """Return the names that the accounts had last."""
    query = (
        sa.select(accounts.c.account_id, accounts.c.account_name)
        .where(accounts.c.account_id.in_(list(account_ids)))
        .order_by(accounts.c.account_key)
    )
    return {row.account_id: row.account_name for row in connection.execute(query)}


def _work(
    office: Office,
    waiting: "queue.SimpleQueue[list[Told]]",
    problems: list[str],
    is_over: threading.Event,
) -> None:
    """Take servers until none is left."""
    while not is_over.is_set():
        try:
            batch = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            _send_batch(office, batch, problems, is_over)
        except InstanceImagesError as error:
            problems.append(str(error))
        except Exception:  # the edge of one server's work
            LOG.exception("Could not send notices of budgets")
            problems.append("Notices of budgets could not be sent: see the log.")


def _send_batch(
    office: Office, batch: Sequence[Told], problems: list[str], is_over: threading.Event
) -> None:
    """Send the notices of one server until it does not answer."""
    is_told = False
    for told in batch:
        if is_over.is_set():
            return
        notice = told.notice
        if not office.database.write(
            lambda connection, notice=notice: notices.claim(connection, notice, office.clock())  # type: ignore[misc]
        ):
            continue  # another run is at it
        try:
            _send(office, told)
        except InstanceImagesError as error:
            reason = redact(printable(str(error)))[:_MAX_ERROR_CHARACTERS]
            _apply(office, notices.record_failure, notice, reason)
            LOG.warning("Could not send budget notice %s: %s", notice.notice_id, reason)
            if not is_told:
                problems.append(f"A notice of a budget could not be sent: {reason}")
                is_told = True
            if _is_pointless(error):
                return
        else:
            _apply(office, notices.record_sent, notice, office.clock())
            LOG.info(
                "Sent budget notice %s of account %s by %s",
                notice.notice_id,
                notice.account_id,
                notice.channel,
            )


def _send(office: Office, told: Told) -> None:
    if told.notice.channel == "webhook":
        secret = webhook.read_secret(office.budget)
        request = webhook.signed(webhook_body(told), told.notice.notice_id, secret, office.clock())
        webhook.post(told.budget.webhook_url, request, office.budget.webhook_ca_file)
        return
    if office.mail is None:
        raise ConfigurationError(
            "Configuration: notices of budgets cannot be mailed: set host and sender in [mail]."
        )
    patience = min(office.mail.timeout_seconds, _MAIL_SECONDS)
    settings = replace(office.mail, timeout_seconds=patience)
    message = mail_of(told, settings.sender, office.timezone, office.clock())
    for refusal in send(settings, message, told.budget.mail_to):
        LOG.warning("Could not mail budget notice %s to %s", told.notice.notice_id, refusal)


def _is_pointless(error: InstanceImagesError) -> bool:
    """Return whether the next notice would fail for the same reason."""
    if isinstance(error, webhook.WebhookFailed):
        return error.is_unreachable
    return isinstance(error, (ConfigurationError, MailUnavailable))


def _apply(office: Office, change: Callable[..., None], *values: object) -> None:
    office.database.write(lambda connection: change(connection, *values))
