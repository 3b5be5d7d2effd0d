"""Sends mails with reports one by one: each is claimed before, and recorded after.

A mail that the server rejects is recorded, and the next one is sent. A server that cannot be
reached, or that rejects many mails in a row, ends the dispatch.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from instance_images.db.engine import Database
from instance_images.errors import InstanceImagesError, MailUnavailable, Refused
from instance_images.instants import Clock
from instance_images_reports.config import MailSettings
from instance_images_reports.delivery.deliveries import (
    FAILED,
    SENT,
    DeliveryKey,
    Holder,
    Parcel,
    claim,
    message_id_of,
    record_failed,
    record_sent,
    release,
)
from instance_images_reports.delivery.mail import Letter, compose
from instance_images_reports.delivery.smtp import Session

LOG = logging.getLogger(__name__)

OTHER_RUN = "other run"
_REJECTED_IN_A_ROW = 25
_SHORTEST_LEASE_SECONDS = 600
_STEPS_OF_A_MAIL = 15  # each may take as long as the timeout


class _TakenOver(Exception):
    """Another run has claimed the mail that this one was too slow to send."""


class Dispatch:
    """A connection to the server and the claims of one run; use it as a context.

    Raises, when it begins, ConfigurationError and MailUnavailable where the server cannot be used.
    """

    def __init__(
        self,
        database: Database,
        settings: MailSettings,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database, self._settings, self._clock, self._sleep = database, settings, clock, sleep
        self._session = Session(settings, sleep=sleep)
        self._holder = Holder.of_this_process()
        seconds = max(_SHORTEST_LEASE_SECONDS, _STEPS_OF_A_MAIL * settings.timeout_seconds)
        self._lease = timedelta(seconds=seconds)
        self._rejected_in_a_row = 0
        self._not_before = 0.0

    def __enter__(self) -> "Dispatch":
        self._session.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """Say goodbye to the server, and let others have what was claimed and not sent."""
        self._session.__exit__()
        with contextlib.suppress(InstanceImagesError):
            self._database.write(lambda connection: release(connection, self._holder))

    def send(self, key: DeliveryKey, parcel: Parcel, letter: Letter) -> tuple[str, str]:
        """Send the mail; return ``sent``, ``failed`` or ``other run``, and what the server said.

        Raises MailUnavailable where the server cannot be reached any more, Refused where it rejects
        everything.
        """
        sender = self._settings.sender
        message_id = self._claim(key, parcel, message_id_of(key, sender))
        if message_id is None:
            return OTHER_RUN, ""
        self._wait_for_turn()
        message = compose(sender, [key.address], letter, self._clock(), message_id)
        try:
            self._session.send(message, [key.address], lambda: self._renew(key, parcel, message_id))
        except _TakenOver:
            return OTHER_RUN, ""
        except Refused as error:
            return self._rejected(key, str(error))
        except MailUnavailable as error:
            if not self._session.is_connected:
                raise
            return self._rejected(key, str(error))
        self._rejected_in_a_row = 0
        now = self._clock()
        self._database.write(lambda connection: record_sent(connection, key, self._holder, now))
        LOG.info(
            "Mailed the report of account %s, %s, as %s", key.account_id, key.period, message_id
        )
        return SENT, ""

    def _claim(self, key: DeliveryKey, parcel: Parcel, message_id: str) -> str | None:
        return claim(
            self._database,
            key,
            parcel,
            self._holder,
            message_id=message_id,
            now=self._clock(),
            lease=self._lease,
        )

    def _renew(self, key: DeliveryKey, parcel: Parcel, message_id: str) -> None:
        """Claim the mail for another attempt."""
        if self._claim(key, parcel, message_id) is None:
            raise _TakenOver

    def _rejected(self, key: DeliveryKey, answer: str) -> tuple[str, str]:
        self._database.write(lambda each: record_failed(each, key, self._holder, answer))
        LOG.warning("Could not mail the report of account %s, %s", key.account_id, key.period)
        self._rejected_in_a_row += 1
        if self._rejected_in_a_row >= _REJECTED_IN_A_ROW:
            raise Refused(
                f"{_REJECTED_IN_A_ROW} mails in a row were rejected, so no more are sent. The last"
                f" answer: {answer}"
            )
        return FAILED, answer

    def _wait_for_turn(self) -> None:
        """Wait until the next mail of this minute may be sent."""
        if self._settings.per_minute:
            now = time.monotonic()
            if now < self._not_before:
                self._sleep(self._not_before - now)
            self._not_before = max(now, self._not_before) + 60 / self._settings.per_minute
