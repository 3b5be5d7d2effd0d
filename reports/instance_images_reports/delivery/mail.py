"""Composes the e-mail that carries a report, and checks the addresses. ``smtp`` sends it.

Control characters are removed from texts before they become headers, so no text can end a header.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from instance_images.errors import ConfigurationError, UsageError
from instance_images.names import printable
from instance_images_reports.config import MailSettings
from instance_images_reports.delivery.smtp import send
from instance_images_reports.presentation import Presentation
from instance_images_reports.statement.statement import Statement
from instance_images_reports.wording import sentences
from instance_images_reports.wording.words import words_for

_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a mail carries."""

    name: str
    content: bytes
    content_type: str


def parse_address(text: str) -> str:
    """Return the address, its domain in ASCII. Raises UsageError where it is none."""
    local, _, domain = text.rpartition("@")
    with contextlib.suppress(UnicodeError):
        domain = domain.encode("idna").decode()
        if _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(domain):
            return f"{local}@{domain}"
    raise UsageError(
        f"{printable(text)!r} is not an e-mail address: write a single one, as in"
        " finance@example.com, and repeat the option for more."
    )


@dataclass(frozen=True, slots=True)
class Postbox:
    """The server that mail is sent by, and whom it is for."""

    settings: MailSettings
    recipients: Sequence[str]


def postbox(settings: MailSettings | None, addresses: Sequence[str]) -> Postbox:
    """Return where mail for these addresses goes. Raises ConfigurationError and UsageError."""
    if settings is None:
        raise ConfigurationError(
            "Configuration: no report can be mailed: set host and sender in [mail]."
        )
    try:
        parse_address(settings.sender)
    except UsageError as error:
        raise ConfigurationError(f"Configuration: [mail] sender: {error}") from error
    return Postbox(settings, list(dict.fromkeys(map(parse_address, addresses))))


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's subject and text, and the file with the report, if it carries one."""

    subject: str
    body: str
    attachment: Attachment | None = None


def mail_report(
    box: Postbox,
    statement: Statement,
    presentation: Presentation,
    attachment: Attachment,
    now: datetime,
) -> list[str]:
    """Mail the report; return what the server said of each recipient whom it does not serve.

    Raises what ``send`` raises.
    """
    letter = letter_of(statement, presentation, attachment)
    message = compose(box.settings.sender, box.recipients, letter, now)
    return send(box.settings, message, box.recipients)


def letter_of(statement: Statement, presentation: Presentation, attachment: Attachment) -> Letter:
    """Return the mail that brings the report, in the language of its reader."""
    words = words_for(statement, presentation)
    account, month = statement.account, words.month_of(statement.period)
    lines = [
        f"{words.gettext('Account')}: {account.name} ({account.id})",
        f"{words.gettext('Period')}: {month} ({sentences.state_text(words, statement)})",
        f"{words.gettext('Total')}: {words.money(statement.total)}",
        "",
        sentences.coverage_text(words, statement),
        "",
        words.gettext("The report is attached."),
    ]
    return Letter(
        f"{words.gettext('Cloud Usage')}, {account.name}, {month}",
        "".join(f"{printable(line)}\n" for line in lines),
        attachment,
    )


def compose(
    sender: str,
    recipients: Sequence[str],
    letter: Letter,
    now: datetime,
    message_id: str | None = None,
) -> EmailMessage:
    """Return a mail with a text, and with its file; ``message_id`` is a new one by default."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = printable(letter.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id or make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # no one's absence is to be announced to it
    message.set_content(letter.body)
    attachment = letter.attachment
    if attachment is None:
        return message
    kind, _, subtype = attachment.content_type.partition("/")
    message.add_attachment(
        attachment.content,
        maintype=kind,
        subtype=subtype,
        filename=attachment.name,
        params={"charset": "utf-8"} if kind == "text" else None,
    )
    return message
