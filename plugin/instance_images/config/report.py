"""The options of reports: whose templates they are made with, and how they are mailed.

A part of ``config``, which reads the files.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oslo_config import cfg

from instance_images.errors import ConfigurationError

DEFAULT_TEMPLATE_DIRECTORY = "/etc/instance-images/templates"

_DEFAULT_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Who offers the images, and when invoices are to be paid."""

    name: str
    payment_terms: str


DEFAULT_PROVIDER = ProviderSettings("Cloud provider", "As agreed")

REPORT_OPTS = [
    cfg.ListOpt(
        "template_directories",
        default=[DEFAULT_TEMPLATE_DIRECTORY],
        help="Folders with templates that replace or extend those of the reports, file by file; the"
        " first that has a file wins, and one that does not exist has none. Whoever can write there"
        " decides what reports say: keep them writable for root alone.",
    ),
    cfg.StrOpt(
        "provider_name",
        default=DEFAULT_PROVIDER.name,
        help="Your company, which offers the images and writes the invoices, as the FOCUS data"
        " sets name it.",
    ),
    cfg.StrOpt(
        "payment_terms",
        default=DEFAULT_PROVIDER.payment_terms,
        help="When invoices are to be paid, such as Net 30: FOCUS asks for it.",
    ),
]

MAIL_OPTS = [
    cfg.StrOpt(
        "host",
        sample_default="smtp.example.com",
        help="The SMTP server that sends reports, for 'report cloud-usage --mail-to'. Without it no"
        " report is mailed.",
    ),
    cfg.PortOpt(
        "port", help="Its port. 587 with starttls, 465 with tls, 25 with none if left out."
    ),
    cfg.StrOpt(
        "security",
        default="starttls",
        choices=[
            ("starttls", "the connection is encrypted before anything is sent"),
            ("tls", "the connection is encrypted from its beginning"),
            ("none", "nothing is encrypted: for a server on this machine"),
        ],
        help="How the connection is protected. A server whose certificate is not valid for its name"
        " is refused.",
    ),
    cfg.StrOpt(
        "ca_file",
        help="File with the certificates, in PEM, of those who may vouch for the server; those that"
        " the system trusts if left out.",
    ),
    cfg.StrOpt("user", help="Whom to log in as; no log-in if left out."),
    cfg.StrOpt(
        "password",
        secret=True,
        help="The user's password (write $ as $$). Better in a file: see password_file.",
    ),
    cfg.StrOpt(
        "password_file",
        sample_default="/etc/instance-images/mail-password",
        help="File that holds the user's password alone, readable for the service's user.",
    ),
    cfg.StrOpt(
        "sender",
        sample_default="cloud-usage@example.com",
        help="The address that mail is from. Needed where there is a host.",
    ),
    cfg.IntOpt(
        "timeout",
        default=30,
        min=1,
        max=600,
        help="How many seconds to wait for an answer of the server.",
    ),
]


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The SMTP server that sends reports, and who they are from.

    ``security`` is ``starttls``, ``tls`` or ``none``. The password is read when it is needed, so
    that other commands need not be able to read it.
    """

    host: str
    port: int
    security: str
    ca_file: Path | None
    user: str | None
    password: str | None = field(repr=False)
    password_file: Path | None
    sender: str
    timeout_seconds: int


def provider_settings(group: Any) -> ProviderSettings:
    """Return what [report] says of the provider. Raises ConfigurationError."""
    for key in ("provider_name", "payment_terms"):
        if not group[key].strip():
            raise ConfigurationError(
                f"Configuration: [report] {key} is empty: write a text, or leave the line out."
            )
    return ProviderSettings(
        name=group.provider_name,
        payment_terms=group.payment_terms,
    )


def mail_settings(group: Any) -> MailSettings | None:
    """Return the values of [mail], None where no host is named. Raises ConfigurationError."""
    if not group.host:
        return None
    if not group.sender:
        raise ConfigurationError(
            "Configuration: [mail] names a host and no sender: set sender = the address that mail"
            " is from."
        )
    if group.user and group.security == "none":
        raise ConfigurationError(
            "Configuration: [mail] the password of user would be sent unencrypted: set security ="
            " starttls or tls."
        )
    return MailSettings(
        host=group.host,
        port=group.port or _DEFAULT_PORTS[group.security],
        security=group.security,
        ca_file=Path(group.ca_file) if group.ca_file else None,
        user=group.user or None,
        password=group.password,
        password_file=Path(group.password_file) if group.password_file else None,
        sender=group.sender,
        timeout_seconds=group.timeout,
    )
