"""Mails each account's report to its addresses on record, each of them once.

Gathers who has a report and an address, has an engine make the mails of a few accounts at a time,
and sends them over one connection. A run that ended in the middle is continued by the next one: at
most the mail that the server had just taken is sent again, with the same Message-ID.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import overload

from instance_images.config.settings import Settings
from instance_images.db.engine import Database
from instance_images.errors import ConfigurationError, InstanceImagesError, MailUnavailable, Refused
from instance_images_billing.config import billing_settings
from instance_images_reports.batch.account_files import Assignment, Batch, Member
from instance_images_reports.batch.all_accounts import Books, Progress
from instance_images_reports.batch.engines import Engine
from instance_images_reports.batch.letters import (
    AccountMail,
    LetterBatch,
    LetterMaker,
    MadeMails,
    Packed,
    in_small_batches,
)
from instance_images_reports.batch.reconciliation import differences
from instance_images_reports.collect.added_sections import has_added_sections
from instance_images_reports.collect.sums import LedgerSum
from instance_images_reports.delivery.addresses import Address, list_addresses
from instance_images_reports.delivery.deliveries import (
    SENT,
    Delivery,
    DeliveryKey,
    list_deliveries,
)
from instance_images_reports.delivery.dispatch import OTHER_RUN, Dispatch
from instance_images_reports.presentation import Presentation

WOULD_SEND, NO_ADDRESS, SENT_ELSEWHERE = "would send", "no address", "sent by other run"

Whose = tuple[str, str, str]  # account, currency, address


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a report for an address; ``address`` is empty where there is none."""

    account_id: str
    account_name: str
    currency: str
    total: str
    address: str
    format: str
    state: str
    answer: str = ""


@dataclass(slots=True)
class Mailed:
    """What a run has done. ``earlier_count`` mails were sent before; ``stopped`` ended it."""

    outcomes: list[Outcome] = field(default_factory=list)
    earlier_count: int = 0
    faults: list[str] = field(default_factory=list)
    stopped: InstanceImagesError | None = None

    def count(self, state: str) -> int:
        """Return how many reports are in that state."""
        return sum(one.state == state for one in self.outcomes)

    @property
    def is_complete(self) -> bool:
        """Whether every account has an address, and every address its report."""
        good = (SENT, SENT_ELSEWHERE, WOULD_SEND)
        return not self.faults and all(one.state in good for one in self.outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """Which reports are mailed: those of all accounts or of some, once or again."""

    books: Books
    presentation: Presentation
    account_ids: frozenset[str] | None = None
    is_again: bool = False

    @property
    def members(self) -> list[Member]:
        """The accounts that may have a report."""
        members = [one for batch in self.books.batches for one in batch.members]
        wanted = self.account_ids
        return [one for one in members if wanted is None or one.places.account.id in wanted]


def require_closed(books: Books, *, allow_open: bool) -> None:
    """Raise Refused where the month is open, and that is not said to be intended."""
    if books.cut.closed_at is None and not allow_open:
        raise Refused(
            f"{books.cut.period.name} is not closed, so its reports still change: nothing was"
            " mailed. Close the month first.",
            case="open month",
        )


def mail_all(
    *,
    settings: Settings,
    database: Database,
    mailing: Mailing,
    engine: Engine[LetterBatch, MadeMails],
    dispatch: Dispatch | None,
    progress: Progress,
) -> Mailed:
    """Make and send what was not sent; without ``dispatch``, find out who would get what.

    What ended it early is in the result. Raises ConfigurationError and MailUnavailable where the
    server cannot be used from the beginning, and what a broken section raises; mails that were sent
    are on record then.
    """
    run = _Run(settings, database, mailing, dispatch)
    members = mailing.members
    left = run.left_of(members)
    progress(len(members) - len(left), len(members))
    with run.connected(left):
        for made in run.made(engine, in_small_batches([Batch(0, left)])):
            run.take(made)
            progress(made.accounts_count, len(members))
            if run.result.stopped is not None:
                break
    run.look_after_other_runs()
    return run.result


class _AsTaken(Sequence[LetterBatch]):
    """Batches that are made when an engine takes them."""

    def __init__(self, batches: Sequence[Batch], make: Callable[[Batch], LetterBatch]) -> None:
        self._batches, self._make = batches, make

    def __len__(self) -> int:
        return len(self._batches)

    @overload
    def __getitem__(self, index: int) -> LetterBatch: ...
    @overload
    def __getitem__(self, index: slice) -> list[LetterBatch]: ...
    def __getitem__(self, index: int | slice) -> LetterBatch | list[LetterBatch]:
        if isinstance(index, slice):
            return [self._make(one) for one in self._batches[index]]
        return self._make(self._batches[index])


class _Run:
    """A run's state: addresses, what is on record, and what it has done."""

    def __init__(
        self, settings: Settings, database: Database, mailing: Mailing, dispatch: Dispatch | None
    ) -> None:
        self.result = Mailed()
        self._settings, self._database = settings, database
        self._mailing, self._dispatch = mailing, dispatch
        self._latest: dict[str, dict[Whose, Delivery]] = {}
        self._sums: dict[str, list[LedgerSum]] = {}
        for one in mailing.books.sums:
            self._sums.setdefault(one.account_id, []).append(one)
        self._addresses: dict[str, list[Address]] = {}
        with database.reading() as connection:
            for address in list_addresses(connection):
                self._addresses.setdefault(address.account_id, []).append(address)

    # ------------------------------------------------------------------------- gather

    def left_of(self, members: Sequence[Member]) -> list[Member]:
        """Return the accounts that may have a mail to be sent, and count what others had."""
        self._read_record(members)
        if self._mailing.is_again or has_added_sections():
            return list(members)  # sections may be charged in more currencies than images
        left = []
        for member in members:
            wanted = self._wanted(member)
            if wanted and wanted <= self._done_of(member.places.account.id):
                self.result.earlier_count += len(wanted)
            else:
                left.append(member)
        return left

    def _wanted(self, member: Member) -> set[Whose]:
        account_id = member.places.account.id
        return {
            (account_id, one.currency, address.address)
            for one in self._sums.get(account_id, ())
            for address in self._addresses.get(account_id, ())
        }

    def _read_record(self, members: Sequence[Member]) -> None:
        """Read what is on record of these accounts; the last of several numbers counts."""
        cut = self._mailing.books.cut
        with self._database.reading() as connection:
            found = list_deliveries(
                connection,
                cut.period.name,
                revision=cut.period_state,
                account_ids=[one.places.account.id for one in members],
            )
        for one in found:
            self._latest.setdefault(one.key.account_id, {})[one.key.whose] = one

    def _done_of(self, account_id: str) -> set[Whose]:
        """Return what was sent to the account, and is not to be sent again."""
        if self._mailing.is_again:
            return set()
        found = self._latest.get(account_id, {})
        return {whose for whose, one in found.items() if one.state == SENT}

    def connected(self, left: Sequence[Member]) -> AbstractContextManager[object]:
        """Return the connection to the server, if there is anybody to send to."""
        has_work = any(one.places.account.id in self._addresses for one in left)
        return self._dispatch if self._dispatch is not None and has_work else nullcontext()

    def made(
        self, engine: Engine[LetterBatch, MadeMails], batches: Sequence[Batch]
    ) -> Iterator[MadeMails]:
        """Return the mails; an engine takes few batches ahead, so that few wait in memory."""
        maker = LetterMaker(
            Assignment(
                self._settings.config_paths,
                billing_settings(self._settings).timezone,
                self._mailing.books.cut,
                None,
            ),
            self._mailing.presentation,
            is_rehearsal=self._dispatch is None,
        )
        return engine(maker, _AsTaken(batches, self._letter_batch_of))

    def _letter_batch_of(self, batch: Batch) -> LetterBatch:
        """Return the batch without what was sent meanwhile, also by other runs."""
        self._read_record(batch.members)
        return self._letter_batch(batch)

    def _letter_batch(self, batch: Batch) -> LetterBatch:
        ids = {one.places.account.id for one in batch.members}
        addresses = {key: self._addresses[key] for key in ids if key in self._addresses}
        return LetterBatch(batch, addresses, frozenset().union(*map(self._done_of, ids)))

    # --------------------------------------------------------------------------- send

    def take(self, made: MadeMails) -> None:
        """Send what was made; keep what cannot be sent in the result."""
        self.result.faults += made.faults
        for mail in made.mails:
            if self.result.stopped is None:
                self._take_mail(mail)

    def _take_mail(self, mail: AccountMail) -> None:
        """Send the mails of a report, unless the ledger says otherwise than the report."""
        report = mail.report
        sums = [
            one for one in self._sums.get(report.account_id, ()) if one.currency == report.currency
        ]
        if faults := [*mail.faults, *differences([report], sums)]:
            self.result.faults += faults
            return
        self.result.earlier_count += mail.done_count
        if report.account_id not in self._addresses:
            self._note(mail, None, NO_ADDRESS)
        for packed in mail.packed:
            if self.result.stopped is None:
                self._send(mail, packed)

    def _send(self, mail: AccountMail, packed: Packed) -> None:
        if self._dispatch is None or packed.letter is None:
            self._note(mail, packed.address, WOULD_SEND)
            return
        try:
            state, answer = self._dispatch.send(
                self._key(mail, packed.address.address), packed.parcel, packed.letter
            )
        except (ConfigurationError, MailUnavailable, Refused) as error:
            self.result.stopped = error
            return
        self._note(mail, packed.address, state, answer)

    def _key(self, mail: AccountMail, address: str) -> DeliveryKey:
        """Return the key of the delivery: a new number, if what was sent is to be sent again."""
        cut, report = self._mailing.books.cut, mail.report
        last = self._last(report.account_id, report.currency, address)
        number = 1 if last is None else last.key.number + (last.state == SENT)
        return DeliveryKey(
            period=cut.period.name,
            revision=cut.period_state,
            account_id=report.account_id,
            currency=report.currency,
            address=address,
            number=number,
        )

    def _last(self, *whose: str) -> Delivery | None:
        account_id, currency, address = whose
        return self._latest.get(account_id, {}).get((account_id, currency, address))

    def _note(
        self, mail: AccountMail, address: Address | None, state: str, answer: str = ""
    ) -> None:
        self.result.outcomes.append(
            Outcome(
                account_id=mail.report.account_id,
                account_name=mail.report.account_name,
                currency=mail.report.currency,
                total=mail.total,
                address=address.address if address else "",
                format=address.format if address else "",
                state=state,
                answer=answer,
            )
        )

    def look_after_other_runs(self) -> None:
        """Find out which mails of other runs were sent meanwhile."""
        result = self.result
        ids = {one.account_id for one in result.outcomes if one.state == OTHER_RUN}
        if ids:
            self._read_record([m for m in self._mailing.members if m.places.account.id in ids])
        for index, one in enumerate(result.outcomes):
            last = self._last(one.account_id, one.currency, one.address)
            if one.state == OTHER_RUN and last is not None and last.state == SENT:
                result.outcomes[index] = replace(one, state=SENT_ELSEWHERE)
