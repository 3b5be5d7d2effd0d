"""The options of reports: templates, provider, mail and budgets.

The plugin's ``config`` finds them by an entry point, and reads them with all others.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oslo_config import cfg

from instance_images.config.parts import PartOptions
from instance_images.config.settings import Settings
from instance_images.errors import ConfigurationError

DEFAULT_TEMPLATE_DIRECTORY = "/etc/instance-images/templates"

_DEFAULT_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The provider's name and payment terms."""

    name: str
    payment_terms: str


DEFAULT_PROVIDER = ProviderSettings("Cloud provider", "As agreed")

_REPORT_OPTS = [
    cfg.ListOpt(
        "template_directories",
        default=[DEFAULT_TEMPLATE_DIRECTORY],
        help="Folders with templates that replace or extend the report templates, file by file."
        " The first folder that has a file wins; missing folders are ignored. Templates"
        " decide what reports say: allow write access for root only.",
    ),
    cfg.StrOpt(
        "pdf_engine",
        choices=[
            ("typst", "fast; templates NAME.typ; needs instance-images[pdf]"),
            ("weasyprint", "prints the HTML templates; needs instance-images[pdf-html] and Pango"),
        ],
        help="Program that makes PDFs. Unset: typst, but weasyprint where a folder of"
        " template_directories has an HTML template or style sheet of the report and no"
        " template of Typst for it, so that your own pages keep their look on paper.",
    ),
    cfg.StrOpt(
        "provider_name",
        default=DEFAULT_PROVIDER.name,
        help="Name of the provider and invoice issuer in FOCUS data sets.",
    ),
    cfg.StrOpt(
        "payment_terms",
        default=DEFAULT_PROVIDER.payment_terms,
        help="Payment terms of invoices, such as Net 30, for FOCUS data sets.",
    ),
]

_MAIL_OPTS = [
    cfg.StrOpt(
        "host",
        sample_default="smtp.example.com",
        help="Host name of the SMTP server, for 'report mail' and 'report cloud-usage --mail-to'."
        " Unset: reports cannot be mailed.",
    ),
    cfg.PortOpt(
        "port",
        help="Port of the SMTP server. Unset: 587 with starttls, 465 with tls, 25 with none.",
    ),
    cfg.StrOpt(
        "security",
        default="starttls",
        choices=[
            ("starttls", "the connection is encrypted before anything is sent"),
            ("tls", "the connection is encrypted from its beginning"),
            ("none", "nothing is encrypted: for a server on this machine"),
        ],
        help="Encryption of the connection. A server with an invalid certificate is refused.",
    ),
    cfg.StrOpt(
        "ca_file",
        help="CA bundle (PEM) used to verify the SMTP server. Unset: the CA certificates of the"
        " system.",
    ),
    cfg.StrOpt("user", help="SMTP user name. Unset: no authentication."),
    cfg.StrOpt(
        "password",
        secret=True,
        help="SMTP password (write $ as $$). Prefer password_file.",
    ),
    cfg.StrOpt(
        "password_file",
        sample_default="/etc/instance-images/mail-password",
        help="File that contains only the SMTP password, readable by the service user.",
    ),
    cfg.StrOpt(
        "sender",
        sample_default="cloud-usage@example.com",
        help="Sender address. Required if host is set.",
    ),
    cfg.IntOpt(
        "timeout",
        default=30,
        min=1,
        max=600,
        help="Timeout of the SMTP connection, in seconds.",
    ),
    cfg.IntOpt(
        "per_minute",
        default=0,
        min=0,
        max=100_000,
        help="Most mails that 'report mail' sends in a minute. 0: as many as the server takes.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """The SMTP server that sends reports, and the sender.

    ``security`` is ``starttls``, ``tls`` or ``none``. The password file is read on use, so that
    other commands need no access to it.
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
    per_minute: int = 0


_BUDGET_OPTS = [
    cfg.StrOpt(
        "webhook_secret_file",
        sample_default="/etc/instance-images/webhook-secret",
        help="File that contains only the secret that notices of budgets to webhooks are signed"
        " with, 16 bytes or more, readable by the service user. Required for webhooks.",
    ),
    cfg.StrOpt(
        "webhook_ca_file",
        help="CA bundle (PEM) used to verify webhooks with https. Unset: the CA certificates of"
        " the system.",
    ),
]


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """What notices of budgets to webhooks are signed and verified with; files are read on use."""

    webhook_secret_file: Path | None = None
    webhook_ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """How reports are made and sent.

    ``template_directories`` are where the operator's own templates are looked for; ``mail`` is None
    where no server is named; ``pdf_engine`` is empty where the templates decide.
    """

    template_directories: tuple[Path, ...] = ()
    provider: ProviderSettings = DEFAULT_PROVIDER
    mail: MailSettings | None = None
    budget: BudgetSettings = BudgetSettings()
    pdf_engine: str = ""


_DEFAULT_REPORTS = ReportSettings()


def report_settings(settings: Settings) -> ReportSettings:
    """Return what the configuration says of reports."""
    found: ReportSettings = settings.parts.get("reports", _DEFAULT_REPORTS)
    return found


def _provider_settings(group: Any) -> ProviderSettings:
    """Return the provider's values of [report]. Raises ConfigurationError."""
    for key in ("provider_name", "payment_terms"):
        if not group[key].strip():
            raise ConfigurationError(
                f"Configuration: [report] {key} is empty: set a value, or remove the line."
            )
    return ProviderSettings(
        name=group.provider_name,
        payment_terms=group.payment_terms,
    )


def _mail_settings(group: Any) -> MailSettings | None:
    """Return the values of [mail], None if host is not set. Raises ConfigurationError."""
    if not group.host:
        return None
    if not group.sender:
        raise ConfigurationError(
            "Configuration: [mail] has host but no sender: set sender to the From address."
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
        per_minute=group.per_minute,
    )


def _read(conf: Any) -> ReportSettings:
    return ReportSettings(
        template_directories=tuple(map(Path, conf.report.template_directories)),
        provider=_provider_settings(conf.report),
        mail=_mail_settings(conf.mail),
        budget=BudgetSettings(
            *(
                Path(path) if path else None
                for path in (conf.budget.webhook_secret_file, conf.budget.webhook_ca_file)
            )
        ),
        pdf_engine=conf.report.pdf_engine or "",
    )


OPTIONS = PartOptions({"report": _REPORT_OPTS, "mail": _MAIL_OPTS, "budget": _BUDGET_OPTS}, _read)


def list_opts() -> list[tuple[str, list[Any]]]:
    """Return (group, options) pairs for oslo-config-generator."""
    return [(section, list(options)) for section, options in OPTIONS.sections.items()]
