"""The configuration file, read and checked, and its values as plain frozen objects.

It reads files, refuses unknown keys (a mistyped key that is ignored costs money), and returns a
Settings. The parts above this one bring their own options, which ``parts`` finds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from oslo_config import cfg

from instance_images.config import api as api_config
from instance_images.config import events as broker_config
from instance_images.config import logs as logging_setup
from instance_images.config import worker as worker_config
from instance_images.config.api import DEFAULT_API, ApiSettings
from instance_images.config.events import DEFAULT_EVENTS, EventSettings
from instance_images.config.files import (
    explained,
    parse_file,
    register_secrets,
    require_plain,
    require_valid,
    shown_key,
    textfile_path,
)
from instance_images.config.options import GROUPS, LOCATION_OPTS
from instance_images.config.parts import installed
from instance_images.config.worker import DEFAULT_WORKER, WorkerSettings
from instance_images.errors import ConfigurationError, NotFound, UsageError
from instance_images.model.deadlines import DEFAULT_DEADLINES, Deadlines
from instance_images.model.records import NO_ADOPTION, AccountScope, AdoptionPolicy, AdoptMode

CONFIG_FILE_VARIABLE = "INSTANCE_IMAGES_CONFIG_FILE"
DEFAULT_CONFIG_FILE = Path("/etc/instance-images/instance-images.conf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """One configured location. ``max_images`` is None if it is not set for the location.

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
    volume_image_format: str = "raw"
    stack_cloud: str | None = None
    os_image_projects: tuple[str, ...] = ()
    events_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, checked.

    ``log_config_files`` are the files with options of oslo.log, empty if none is set. ``parts`` are
    the settings of the parts above this one, by the part's name. ``config_paths`` are the files
    that were read.
    """

    locations: tuple[Location, ...]
    database_connection: str = field(repr=False)
    default_max_images: int
    account_scope: AccountScope = AccountScope.PROJECT
    log_config_files: tuple[Path, ...] = ()
    log_paths: tuple[Path, ...] = ()
    adoption: AdoptionPolicy = NO_ADOPTION
    deadlines: Deadlines = DEFAULT_DEADLINES
    parts: Mapping[str, Any] = field(default_factory=dict)
    events: EventSettings = DEFAULT_EVENTS
    config_paths: tuple[Path, ...] = ()
    api: ApiSettings = DEFAULT_API
    worker: WorkerSettings = DEFAULT_WORKER

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

    @property
    def event_urls(self) -> dict[str, str]:
        """The message brokers of the locations that have one."""
        return {one.name: one.events_url for one in self.locations if one.events_url}

    def _names(self) -> str:
        return ", ".join(location.name for location in self.locations)


def load_settings(files: Sequence[Path] = (), directories: Sequence[Path] = ()) -> Settings:
    """Read the files, then the ``*.conf`` in the directories; the last value wins.

    Without any, the file in /etc is read. Raises ConfigurationError with the file and the fix.
    """
    paths = _config_paths(files, directories)
    log_keys = _require_known_keys(paths)
    conf = cfg.ConfigOpts()
    for group, options in _groups().items():
        conf.register_opts(options, group=None if group == "DEFAULT" else group)
    try:
        conf(
            [],
            project="instance-images",
            default_config_files=list(map(str, paths)),
            default_config_dirs=[],
        )
        names = _location_names(conf.locations)
        for name in names:
            conf.register_opts(LOCATION_OPTS, group=f"location:{name}")
        return Settings(
            locations=tuple(_location(name, conf[f"location:{name}"]) for name in names),
            database_connection=conf.database.connection,
            default_max_images=conf.limits.max_images,
            account_scope=AccountScope(conf.account_scope),
            log_config_files=tuple(paths) if log_keys else (),
            log_paths=_log_paths(paths) if log_keys else (),
            adoption=AdoptionPolicy(
                AdoptMode(conf.reconcile.adopt), frozenset(conf.reconcile.excluded_projects)
            ),
            deadlines=Deadlines(
                conf.deadlines.queue_minutes,
                conf.deadlines.snapshot_minutes,
                conf.deadlines.upload_minutes,
                conf.deadlines.deploy_minutes,
            ),
            parts={name: part.read(conf) for name, part in installed().items()},
            events=broker_config.event_settings(conf.events, paths),
            config_paths=tuple(path.absolute() for path in paths),
            api=api_config.api_settings(conf.api, names),
            worker=worker_config.worker_settings(
                conf.worker, textfile_path("worker", conf.worker.textfile)
            ),
        )
    except cfg.Error as error:
        raise explained(error, paths) from None


def _config_paths(files: Sequence[Path], directories: Sequence[Path]) -> list[Path]:
    for directory in directories:
        if not directory.is_dir():
            raise ConfigurationError(f"Configuration directory {directory} does not exist.")
    paths = [*files, *(path for d in directories for path in sorted(d.glob("*.conf")))]
    if not paths and not directories:
        paths = [DEFAULT_CONFIG_FILE]
    for path in paths:
        if path.is_dir():
            raise ConfigurationError(
                f"Configuration file {path} is a directory: name it with --config-dir."
            )
        if not path.is_file():
            raise ConfigurationError(
                f"Configuration file {path} does not exist: create it from the sample"
                " instance-images.conf.sample, or name another with --config-file."
            )
    return paths


def _require_known_keys(paths: Sequence[Path]) -> set[str]:
    """Raise ConfigurationError for the first unknown section or key.

    Return the keys of oslo.log, which is imported only if a key is not one of this product.
    """
    log_keys: set[str] = set()
    groups, secret_keys = _groups(), _secret_keys()
    parsed = [(path, parse_file(path)) for path in paths]
    for _, sections in parsed:
        register_secrets(sections, secret_keys)
    for path, sections in parsed:
        require_plain(path, sections, secret_keys)
        for section, keys in sections.items():
            if section in (broker_config.DRIVER_SECTION, *api_config.LIBRARY_SECTIONS):
                continue  # a library's own, which checks it when 'listen' or the API starts
            allowed = _options_of(section, groups)
            if allowed is None:
                raise ConfigurationError(
                    f"{path}: section [{section}] is unknown; known are"
                    f" {', '.join(f'[{name}]' for name in groups)} and [location:NAME]."
                )
            for key in keys.keys() & allowed:
                require_valid(path, section, key, allowed[key].type, keys[key][-1])
            unknown = keys.keys() - allowed
            if unknown and section == "DEFAULT":
                log_keys |= unknown & logging_setup.option_names()
                unknown -= log_keys
            for key in sorted(unknown):
                others = " and the options of oslo.log" if section == "DEFAULT" else ""
                raise ConfigurationError(
                    f"{path}: {shown_key(path, section, key)} is unknown; known there are"
                    f" {', '.join(sorted(allowed))}{others}."
                )
    return log_keys


def _groups() -> dict[str, Sequence[Any]]:
    """Return the options of this part and of those above it, by section."""
    above = [part.sections for part in installed().values()]
    return {**GROUPS, **{name: options for each in above for name, options in each.items()}}


def _secret_keys() -> set[str]:
    every = [*_groups().values(), LOCATION_OPTS]
    return {option.dest for options in every for option in options if option.secret}


def _options_of(section: str, groups: Mapping[str, Sequence[Any]]) -> dict[str, Any] | None:
    """Return the section's options by name, None where there is no such section."""
    options = LOCATION_OPTS if section.startswith("location:") else groups.get(section)
    return None if options is None else {option.dest: option for option in options}


def _log_paths(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the paths of the log by the options of oslo.log; the last file decides."""
    told: dict[str, str] = {}
    for path in paths:
        for key, values in parse_file(path).get("DEFAULT", {}).items():
            told[key] = values[-1]
    directory, file = told.get("log_dir"), told.get("log_file")
    if file:
        return (Path(directory or "", file),)
    return (Path(directory),) if directory else ()


def _location_names(names: Sequence[str]) -> list[str]:
    if not names:
        raise ConfigurationError(
            "Configuration: no locations: set locations = NAME in [DEFAULT], and describe each"
            " in a section [location:NAME]."
        )
    if len({name.lower() for name in names}) < len(names):
        raise ConfigurationError("Configuration: locations lists a location twice.")
    return list(names)


def _location(name: str, group: Any) -> Location:
    if not group.cloud:
        raise ConfigurationError(
            f"Configuration: [location:{name}] has no cloud: set cloud to an entry of clouds.yaml."
        )
    if not re.fullmatch("[A-Z]{3}", group.currency):
        raise ConfigurationError(
            f"Configuration: [location:{name}] currency = {group.currency} is not an ISO 4217"
            " code: write three capital letters, such as EUR."
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
        volume_image_format=group.volume_image_format,
        stack_cloud=group.stack_cloud or None,
        os_image_projects=tuple(dict.fromkeys(group.os_image_projects)),
        events_url=group.events_url,
    )


def _decimal(location: str, key: str, text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,9})?", text):
        raise ConfigurationError(
            f"Configuration: [location:{location}] {key} = {text} is not an amount: write digits"
            " with a point and at most 9 decimals, such as 0.5."
        )
    return Decimal(text)
