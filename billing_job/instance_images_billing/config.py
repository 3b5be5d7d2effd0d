"""The options of billing: the terms of new rates, billing months, digests and metrics.

The plugin's ``config`` finds them by an entry point, and reads them with all others.
"""

import zoneinfo
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oslo_config import cfg

from instance_images.config.files import textfile_path
from instance_images.config.parts import PartOptions
from instance_images.config.settings import Settings
from instance_images.errors import ConfigurationError

PART = "billing"

_BILLING_OPTS = [
    cfg.StrOpt(
        "unit",
        default="GB",
        choices=[("GB", "10^9 bytes"), ("GiB", "2^30 bytes")],
        help="Unit of the price. Stored with each new rate: to change it for a location, change"
        " it here and set a new rate.",
    ),
    cfg.StrOpt(
        "hours_per_month",
        default="730",
        choices=[
            ("730", "8760 hours of a year / 12"),
            ("720", "30 days"),
            ("672", "28 days"),
            ("calendar", "the real hours of the month"),
        ],
        help="Hours that a month's price is divided by. Stored with each new rate.",
    ),
    cfg.StrOpt(
        "partial_hour",
        default="prorate",
        choices=[
            ("prorate", "the first and last hours of an image are charged by the second"),
            ("round_up", "the first and last hours of an image are charged in full"),
        ],
        help="Charge for the hours in which an image begins or ends. Stored with each new rate.",
    ),
    cfg.StrOpt(
        "timezone",
        default="UTC",
        help="Time zone of billing months (IANA name, such as Europe/Berlin). Months begin at its"
        " midnight. It cannot be changed once a month is closed: hours would be in two months,"
        " or in none.",
    ),
    cfg.StrOpt(
        "billable_size",
        default="stored",
        choices=[
            ("stored", "the bytes stored by the image service"),
            ("virtual", "the larger of the stored bytes and the virtual size of the disk"),
        ],
        help="Billed size. Applies to images that become available after the change.",
    ),
    cfg.StrOpt(
        "digest_file",
        sample_default="/var/log/instance-images/digests",
        help=(
            "File to which every 'meter run' adds the digest of each location's last closed"
            " hour, and 'period close' that of the period. 'meter verify' compares the ledger"
            " with it, and finds a ledger that was rewritten in the database. Protect the file"
            " from users who can write to the database: make it append-only (chattr +a), or copy"
            " it to another host. Do not rotate it. Unset: no file; the log always has the"
            " digests."
        ),
    ),
]

_METRICS_OPTS = [
    cfg.StrOpt(
        "textfile",
        sample_default="/var/lib/node_exporter/instance_images.prom",
        help="File for the textfile collector of the Prometheus node_exporter, written by each"
        " 'meter run'; its name must end in .prom. The user of the runs needs write access to"
        " its directory; without it, the run logs a warning and continues. Unset: no"
        " metrics.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingSettings:
    """The terms of new rates, the time zone of billing months, and the files of the runs.

    ``digest_file`` is the file of recorded digests, ``metrics_textfile`` that of the metrics; each
    is None if it is not set.
    """

    unit: str
    hours_per_month: str
    partial_hour: str
    timezone: zoneinfo.ZoneInfo
    billable_size: str
    digest_file: Path | None = None
    metrics_textfile: Path | None = None


def billing_settings(settings: Settings) -> BillingSettings:
    """Return what the configuration says of billing.

    There are no defaults: with other options than those of the file, bills would be wrong. Raises
    ConfigurationError where the options of this part were not read.
    """
    found: BillingSettings | None = settings.parts.get(PART)
    if found is None:
        raise ConfigurationError(
            "Configuration: the options of [billing] are not installed: reinstall instance-images."
        )
    return found


def _timezone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"Configuration: [billing] timezone = {name} is unknown: write an IANA name,"
            " such as Europe/Berlin."
        ) from error


def _read(conf: Any) -> BillingSettings:
    group = conf.billing
    return BillingSettings(
        unit=group.unit,
        hours_per_month=group.hours_per_month,
        partial_hour=group.partial_hour,
        timezone=_timezone(group.timezone),
        billable_size=group.billable_size,
        digest_file=Path(group.digest_file) if group.digest_file else None,
        metrics_textfile=textfile_path("metrics", conf.metrics.textfile),
    )


OPTIONS = PartOptions({"billing": _BILLING_OPTS, "metrics": _METRICS_OPTS}, _read)


def list_opts() -> list[tuple[str, list[Any]]]:
    """Return (group, options) pairs for oslo-config-generator."""
    return [(section, list(options)) for section, options in OPTIONS.sections.items()]
