"""Makes the mails of a batch of accounts: what an engine runs, as for files.

A report is made once, and rendered once for each format and locale that one of its addresses wants.
Nothing is written: the mails travel back to the process that sends them.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from instance_images.config.redaction import redact
from instance_images.errors import InstanceImagesError
from instance_images.names import printable
from instance_images_reports.batch.account_files import (
    Assignment,
    Batch,
    account_file,
    reports_of,
)
from instance_images_reports.batch.manifest import AccountFile
from instance_images_reports.batch.own_database import own_database
from instance_images_reports.collect.account import Stated
from instance_images_reports.delivery.addresses import Address
from instance_images_reports.delivery.deliveries import Parcel
from instance_images_reports.delivery.destination import report_name
from instance_images_reports.delivery.mail import Attachment, Letter, letter_of
from instance_images_reports.formats.registry import FORMATS, render
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.statement import Statement

LOG = logging.getLogger(__name__)

# So few that the mails which are made and not yet sent fit into memory.
_ACCOUNTS_AT_A_TIME = 25


@dataclass(frozen=True, slots=True)
class LetterBatch:
    """Accounts with their addresses, and what needs no mail: account, currency and address."""

    batch: Batch
    addresses: Mapping[str, Sequence[Address]]
    done: frozenset[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Packed:
    """A mail to an address, ready to be sent; ``letter`` is None in a rehearsal."""

    address: Address
    parcel: Parcel
    letter: Letter | None


@dataclass(frozen=True, slots=True)
class AccountMail:
    """The report of an account in a currency, and the mails that bring it.

    ``done_count`` is the number of addresses that have it already.
    """

    report: AccountFile
    total: str
    done_count: int
    packed: Sequence[Packed] = ()
    faults: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MadeMails:
    """What came of a batch; ``faults`` are accounts without a report, one sentence each."""

    accounts_count: int
    mails: Sequence[AccountMail]
    faults: Sequence[str]


@dataclass(frozen=True, slots=True)
class LetterMaker:
    """Makes the mails of a batch, as an engine takes it along; a rehearsal renders nothing."""

    assignment: Assignment
    presentation: Presentation
    is_rehearsal: bool

    def __call__(self, wanted: LetterBatch) -> MadeMails:
        """Return the mails of the batch."""
        database = own_database(self.assignment.config_paths)
        faults: list[str] = []
        with database.snapshot() as connection:
            reports = reports_of(connection, self.assignment, wanted.batch, faults)
            mails = [self._mails_of(stated, wanted) for stated in reports]
        return MadeMails(len(wanted.batch.members), mails, faults)

    def _mails_of(self, stated: Stated, wanted: LetterBatch) -> AccountMail:
        statement = stated.statement
        account_id, currency = statement.account.id, statement.currency
        addresses = wanted.addresses.get(account_id, ())
        left = [one for one in addresses if (account_id, currency, one.address) not in wanted.done]
        done_count = len(addresses) - len(left)
        found = AccountMail(account_file(stated), f"{statement.total:f}", done_count)
        try:
            return replace(found, packed=list(self._packed(statement, left)))
        except InstanceImagesError:
            raise
        except Exception as error:  # what one account's names do to a library stops no other one
            LOG.warning("Could not render the report of account %s", account_id, exc_info=True)
            fault = redact(f"{type(error).__name__}: {error}")
            told = f"account {printable(account_id)}: its report cannot be rendered: {fault}"
            return replace(found, faults=[told])

    def _packed(self, statement: Statement, addresses: Sequence[Address]) -> Iterator[Packed]:
        made: dict[tuple[str, str], Letter] = {}
        for one in addresses:
            way = one.format, one.locale
            if not self.is_rehearsal and way not in made:
                made[way] = self._letter(statement, one)
            letter = made.get(way)
            content = letter.attachment.content if letter and letter.attachment else b""
            digest = hashlib.sha256(content).hexdigest()
            yield Packed(one, Parcel(one.format, digest, f"{statement.total:f}"), letter)

    def _letter(self, statement: Statement, address: Address) -> Letter:
        presentation = replace(self.presentation, locale=address.locale)
        content = render(address.format, statement, presentation)
        name = report_name(statement, address.format)
        attachment = Attachment(name, content, FORMATS[address.format].content_type)
        return letter_of(statement, presentation, attachment)


def in_small_batches(batches: Sequence[Batch]) -> list[Batch]:
    """Return the batches in pieces of few accounts."""
    pieces = [
        one.members[start : start + _ACCOUNTS_AT_A_TIME]
        for one in batches
        for start in range(0, len(one.members), _ACCOUNTS_AT_A_TIME)
    ]
    return [Batch(part, members) for part, members in enumerate(pieces)]
