"""Sends the notices that are due, in a bounded time. A notice is sent at least once.

Each server is spoken to by one thread. One that does not answer, or rejects many notices in a row,
is left alone until the next run, and what it was to take is put off: a dead one delays nothing but
its own notices, however many they are. What is not done when the time is over is left to the next
run; its threads end with the process.
"""

import contextlib
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
from instance_images_reports.delivery.smtp import Session

LOG = logging.getLogger(__name__)

RUN_SECONDS = 60.0
NOTICES_PER_RUN = 10_000
_GRACE_SECONDS = 1.0
_MAIL_SECONDS = 10
_REJECTED_IN_A_ROW = 25
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
    for thread in threads:  # so that a notice that was just taken is recorded
        thread.join(max(0.0, ends + _GRACE_SECONDS - time.monotonic()))
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
    """Send the notices of one server, until it stops accepting them."""
    sent: Notice | None = None
    rejected_in_a_row = 0
    is_told = False
    with contextlib.closing(_Carrier(office)) as carrier:
        for number, told in enumerate(batch):
            wait_seconds = carrier.wait_seconds()
            if wait_seconds and sent is not None:
                _apply(office, notices.record_sent, sent, office.clock())
                sent = None
            if is_over.wait(wait_seconds):
                break
            is_claimed, sent = _claim(office, told.notice, sent), None
            if not is_claimed:
                continue  # another run is at it
            try:
                carrier.send(told)
            except InstanceImagesError as error:
                reason = _record_failure(office, told.notice, error)
                if not is_told:
                    problems.append(f"A notice of a budget could not be sent: {reason}")
                    is_told = True
                rejected_in_a_row += 1
                if carrier.is_useless(error) or rejected_in_a_row == _REJECTED_IN_A_ROW:
                    left = [one.notice for one in batch[number + 1 :]]
                    _apply(office, notices.put_off, left, office.clock())
                    break
            else:
                rejected_in_a_row = 0
                sent = told.notice
                LOG.info(
                    "Sent budget notice %s of account %s by %s",
                    sent.notice_id,
                    sent.account_id,
                    sent.channel,
                )
        if sent is not None:
            _apply(office, notices.record_sent, sent, office.clock())


class _Carrier:
    """Takes notices to one server; mails go over one connection."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._session: Session | None = None
        self._not_before = 0.0

    def wait_seconds(self) -> float:
        """Return how long to wait until the next mail of this minute may be sent."""
        return max(0.0, self._not_before - time.monotonic())

    def send(self, told: Told) -> None:
        """Send the notice. Raises what is wrong with server or configuration."""
        office = self._office
        if told.notice.channel == "webhook":
            secret = webhook.read_secret(office.budget)
            body = webhook_body(told)
            request = webhook.signed(body, told.notice.notice_id, secret, office.clock())
            webhook.post(told.budget.webhook_url, request, office.budget.webhook_ca_file)
            return
        settings = self._mail_settings()
        if self._session is None:
            # A server may end a connection after some mails: connect once more for the next one.
            self._session = Session(settings, patience=(0.0,))
        if settings.per_minute:
            self._not_before = time.monotonic() + 60 / settings.per_minute
        message = mail_of(told, settings.sender, office.timezone, office.clock())
        for refusal in self._session.send(message, told.budget.mail_to):
            LOG.warning("Could not mail budget notice %s to %s", told.notice.notice_id, refusal)

    def _mail_settings(self) -> MailSettings:
        mail = self._office.mail
        if mail is None:
            raise ConfigurationError(
                "Configuration: notices of budgets cannot be mailed: set host and sender in [mail]."
            )
        return replace(mail, timeout_seconds=min(mail.timeout_seconds, _MAIL_SECONDS))

    def is_useless(self, error: InstanceImagesError) -> bool:
        """Return whether the next notice would fail for the same reason."""
        if isinstance(error, webhook.WebhookFailed):
            return error.is_unreachable
        if isinstance(error, MailUnavailable):  # also where the server defers one recipient
            return self._session is None or not self._session.is_connected
        return isinstance(error, ConfigurationError)

    def close(self) -> None:
        """End the connection to the mail server."""
        if self._session is not None:
            self._session.close()


def _claim(office: Office, notice: Notice, sent: Notice | None) -> bool:
    """Claim the notice, and record in the same transaction that the one before was taken."""

    def work(connection: sa.Connection) -> bool:
        if sent is not None:
            notices.record_sent(connection, sent, office.clock())
        return notices.claim(connection, notice, office.clock())

    return office.database.write(work)


def _record_failure(office: Office, notice: Notice, error: InstanceImagesError) -> str:
    """Record why the notice was not sent; return that as one line."""
    reason = redact(printable(str(error)))[:_MAX_ERROR_CHARACTERS]
    _apply(office, notices.record_failure, notice, reason)
    LOG.warning("Could not send budget notice %s: %s", notice.notice_id, reason)
    return reason


def _apply(office: Office, change: Callable[..., None], *values: object) -> None:
    office.database.write(lambda connection: change(connection, *values))
