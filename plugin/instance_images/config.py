"""The configuration file: every option with its help, and its values as plain frozen objects.

It reads files, checks that every key in them is known (a mistyped key that is silently ignored
costs money), and returns a Settings. Only this module, report_config with the options of reports,
and logging_setup, which asks oslo.log for its own, import oslo.config.
"""

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from oslo_config import cfg

from instance_images import logging_setup, report_config
from instance_images.errors import ConfigurationError, NotFound, UsageError
from instance_images.report_config import DEFAULT_PROVIDER, MailSettings, ProviderSettings

DEFAULT_CONFIG_FILE = Path("/etc/instance-images/instance-images.conf")

UNIT_BYTES = {"GB": 10**9, "GiB": 2**30}

_DEFAULT_OPTS = [
    cfg.ListOpt(
        "locations",
        default=[],
        sample_default=["RegionOne"],
        help="The locations where images are offered or were offered. Each needs a section"
        " [location:NAME]. Keep a location here, with enabled = false, for as long as its"
        " customers still hold images: they go on being billed.",
    ),
    cfg.StrOpt(
        "account_scope",
        default="project",
        choices=[("project", "The paying customer is one Keystone project.")],
        help="Who the paying customer is.",
    ),
]

_DATABASE_OPTS = [
    cfg.StrOpt(
        "connection",
        default="sqlite:////var/lib/instance-images/instance-images.db",
        secret=True,
        help="SQLAlchemy URL of the database. SQLite serves one machine; from two machines on use"
        " postgresql+psycopg://USER:PASSWORD@HOST/NAME or mysql+pymysql://USER:PASSWORD@HOST/NAME."
        " After a change run 'instance-images db upgrade'.",
    ),
]

_BILLING_OPTS = [
    cfg.StrOpt(
        "unit",
        default="GB",
        choices=[("GB", "10^9 bytes"), ("GiB", "2^30 bytes")],
        help="What the price is per. Taken into a rate when the rate is set: to change it for a"
        " location, change it here and set a new rate.",
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
        help="What a month's price is divided by. Taken into a rate when the rate is set.",
    ),
    cfg.StrOpt(
        "partial_hour",
        default="prorate",
        choices=[
            ("prorate", "an image's first and last hours are charged for the seconds used"),
            ("round_up", "an image's first and last hours are charged whole"),
        ],
        help="How an hour is charged in which an image began or ended. Taken into a rate when the"
        " rate is set.",
    ),
    cfg.StrOpt(
        "timezone",
        default="UTC",
        help="The provider's time zone (IANA name, such as Europe/Berlin): billing months begin"
        " and end at its midnight. Change it between two months only.",
    ),
    cfg.StrOpt(
        "billable_size",
        default="stored",
        choices=[
            ("stored", "the bytes that the image service stores"),
            ("virtual", "the size of the disk inside, where the image service knows it"),
        ],
        help="Which size is charged. Applies to images that become available after the change.",
    ),
]

_LIMITS_OPTS = [
    cfg.IntOpt(
        "max_images",
        default=10,
        min=0,
        help="How many images an account may hold in a location that sets no maximum of its own.",
    ),
]

_METRICS_OPTS = [
    cfg.StrOpt(
        "textfile",
        sample_default="/var/lib/node_exporter/instance_images.prom",
        help="File that every 'meter run' writes for the textfile collector of Prometheus'"
        " node_exporter, in the collector's directory; its name must end in .prom. Its directory"
        " must be writable for the user of the runs: where it is not, the run warns and goes on."
        " No metrics if left out.",
    ),
]

_LOCATION_OPTS = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Whether customers may make and deploy images here. Images that exist stay, can be"
        " deleted, and are billed.",
    ),
    cfg.StrOpt(
        "provider",
        default="openstack",
        help="Entry point in the group instance_images.providers that drives this location.",
    ),
    cfg.StrOpt(
        "cloud",
        sample_default="mycloud",
        help="Entry of clouds.yaml with the credentials to use. They need the admin role, and a"
        " role on the projects of the customers (an inherited one is least work).",
    ),
    cfg.StrOpt("region_name", help="OpenStack region; the location's own name if left out."),
    cfg.StrOpt("currency", default="EUR", help="ISO 4217 code of the currency of its rates."),
    cfg.StrOpt(
        "free_gb",
        default="0",
        help="How many GB (or GiB, where [billing] unit says so) an account stores here free of"
        " charge at any time, such as 5 or 0.5. Taken into a rate when the rate is set.",
    ),
    cfg.StrOpt(
        "minimum_charge",
        default="0",
        help="What an account that is charged for a month here is charged at least, such as 1.00."
        " What is missing to it is added when the month is closed. Taken into a rate when the rate"
        " is set.",
    ),
    cfg.IntOpt(
        "max_images",
        min=0,
        help="How many images an account may hold here; [limits]max_images if left out.",
    ),
]

# In the sample, where names of groups are in small letters.
_LOCATION_GROUP = cfg.OptGroup(
    "location:name",
    help="One section for each of the locations, with its name in place of 'name', as in"
    " [location:RegionOne].",
)

_GROUPS: dict[str, list[Any]] = {
    "DEFAULT": _DEFAULT_OPTS,
    "database": _DATABASE_OPTS,
    "billing": _BILLING_OPTS,
    "limits": _LIMITS_OPTS,
    "metrics": _METRICS_OPTS,
    "report": report_config.REPORT_OPTS,
    "mail": report_config.MAIL_OPTS,
}


def list_opts() -> list[tuple[Any, list[Any]]]:
    """Return (group, options) pairs for oslo-config-generator."""
    return [*_GROUPS.items(), (_LOCATION_GROUP, _LOCATION_OPTS)]


@dataclass(frozen=True, slots=True)
class Location:
    """One location as it is configured. ``max_images`` is None where it sets no own maximum.

    ``free_units`` are free of charge for each account at any time, in GB or GiB.
    """

    name: str
    enabled: bool
    provider: str
    cloud: str
    region_name: str
    currency: str
    max_images: int | None
    free_units: Decimal = Decimal(0)
    minimum_charge_nanos: int = 0


@dataclass(frozen=True, slots=True)
class BillingSettings:
    """The terms that new rates take over, and the time zone of the billing months."""

    unit: str
    hours_per_month: str
    partial_hour: str
    timezone: zoneinfo.ZoneInfo
    billable_size: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration, checked.

    ``log_config_files`` are the files to read oslo.log's options from, none where none is set.
    ``template_directories`` are where the operator's own templates of reports are looked for.
    """

    locations: tuple[Location, ...]
    database_connection: str
    billing: BillingSettings
    default_max_images: int
    metrics_textfile: Path | None = None
    log_config_files: tuple[Path, ...] = ()
    template_directories: tuple[Path, ...] = ()
    mail: MailSettings | None = None
    provider: ProviderSettings = DEFAULT_PROVIDER

    def location(self, name: str | None) -> Location:
        """Return the location of that name, or the only one if no name is given."""
        if name is None:
            if len(self.locations) != 1:
                raise UsageError(f"Name one of the locations {self._names()} with --location.")
            return self.locations[0]
        for location in self.locations:
            if location.name == name:
                return location
        raise NotFound("Location", name, f"Configured are: {self._names()}.")

    def _names(self) -> str:
        return ", ".join(location.name for location in self.locations)


def load_settings(files: Sequence[Path] = (), directories: Sequence[Path] = ()) -> Settings:
    """Read the files, then the ``*.conf`` in the directories; the last value wins.

    Without any, the file in /etc is read. Raises ConfigurationError, with the file and the cure.
    """
    paths = _config_paths(files, directories)
    log_keys = _require_known_keys(paths)
    conf = cfg.ConfigOpts()
    for group, options in _GROUPS.items():
        conf.register_opts(options, group=None if group == "DEFAULT" else group)
    try:
        conf(
            [],
            project="instance-images",
            default_config_files=list(map(str, paths)),
            default_config_dirs=[],
        )
        _ = conf.account_scope  # its one choice is checked by being read
        names = _location_names(conf.locations)
        for name in names:
            conf.register_opts(_LOCATION_OPTS, group=f"location:{name}")
        return Settings(
            locations=tuple(_location(name, conf[f"location:{name}"]) for name in names),
            database_connection=conf.database.connection,
            billing=_billing(conf.billing),
            default_max_images=conf.limits.max_images,
            metrics_textfile=_textfile(conf.metrics.textfile),
            log_config_files=tuple(paths) if log_keys else (),
            template_directories=tuple(map(Path, conf.report.template_directories)),
            mail=report_config.mail_settings(conf.mail),
            provider=report_config.provider_settings(conf.report),
        )
    except cfg.Error as error:
        raise ConfigurationError(f"Configuration: {error}") from error


def _config_paths(files: Sequence[Path], directories: Sequence[Path]) -> list[Path]:
    for directory in directories:
        if not directory.is_dir():
            raise ConfigurationError(f"Configuration directory {directory} does not exist.")
    paths = [*files, *(path for d in directories for path in sorted(d.glob("*.conf")))]
    if not paths and not directories:
        paths = [DEFAULT_CONFIG_FILE]
    for path in paths:
        if not path.is_file():
            raise ConfigurationError(
                f"Configuration file {path} does not exist: create it from the sample"
                " instance-images.conf.sample, or name another with --config-file."
            )
    return paths


def _require_known_keys(paths: Sequence[Path]) -> set[str]:
    """Raise ConfigurationError for the first section or key that no option answers to.

    Return the keys that are oslo.log's: it is imported only where a key is not one of ours.
    """
    log_keys: set[str] = set()
    known = {group: {option.dest for option in opts} for group, opts in _GROUPS.items()}
    location_keys = {option.dest for option in _LOCATION_OPTS}
    for path in paths:
        for section, keys in _parse(path).items():
            is_location = section.startswith("location:")
            allowed = location_keys if is_location else known.get(section)
            if allowed is None:
                raise ConfigurationError(
                    f"{path}: section [{section}] is unknown; known are"
                    f" {', '.join(f'[{name}]' for name in known)} and [location:NAME]."
                )
            unknown = keys.keys() - allowed
            if unknown and section == "DEFAULT":
                log_keys |= unknown & logging_setup.option_names()
                unknown -= log_keys
            for key in sorted(unknown):
                others = " and the options of oslo.log" if section == "DEFAULT" else ""
                raise ConfigurationError(
                    f"{path}: option {key} in [{section}] is unknown; known there are"
                    f" {', '.join(sorted(allowed))}{others}."
                )
    return log_keys


def _parse(path: Path) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    try:
        cfg.ConfigParser(str(path), sections).parse()
    except (cfg.ParseError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"Configuration: {path}: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    return sections


def _location_names(names: Sequence[str]) -> list[str]:
    if not names:
        raise ConfigurationError(
            "Configuration: no locations: set locations = NAME in [DEFAULT], and describe each"
            " in a section [location:NAME]."
        )
    if len({name.lower() for name in names}) < len(names):
        raise ConfigurationError("Configuration: locations names one location twice.")
    return list(names)


def _location(name: str, group: Any) -> Location:
    if not group.cloud:
        raise ConfigurationError(
            f"Configuration: [location:{name}] names no cloud: set cloud = an entry of clouds.yaml."
        )
    if not re.fullmatch("[A-Z]{3}", group.currency):
        raise ConfigurationError(
            f"Configuration: [location:{name}] currency = {group.currency} is no ISO 4217 code:"
            " write three capital letters, such as EUR."
        )
    return Location(
        name=name,
        enabled=group.enabled,
        provider=group.provider,
        cloud=group.cloud,
        region_name=group.region_name or name,
        currency=group.currency,
        max_images=group.max_images,
        free_units=_decimal(name, "free_gb", group.free_gb),
        minimum_charge_nanos=int(_decimal(name, "minimum_charge", group.minimum_charge) * 10**9),
    )


def _decimal(location: str, key: str, text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,9})?", text):
        raise ConfigurationError(
            f"Configuration: [location:{location}] {key} = {text} is no amount: write digits with a"
            " point and at most 9 decimals, such as 0.5."
        )
    return Decimal(text)


def _textfile(text: str | None) -> Path | None:
    if not text:
        return None
    if not text.endswith(".prom"):
        raise ConfigurationError(
            f"Configuration: [metrics] textfile = {text}: node_exporter reads only names that end"
            " in .prom."
        )
    return Path(text)


def _billing(group: Any) -> BillingSettings:
    try:
        timezone = zoneinfo.ZoneInfo(group.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"Configuration: [billing] timezone = {group.timezone} is unknown: write an IANA name,"
            " such as Europe/Berlin."
        ) from error
    return BillingSettings(
        unit=group.unit,
        hours_per_month=group.hours_per_month,
        partial_hour=group.partial_hour,
        timezone=timezone,
        billable_size=group.billable_size,
    )
