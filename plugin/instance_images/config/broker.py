"""Reads the options of oslo.messaging's driver from our configuration files.

The library brings its options; it is not imported here.
"""

from collections.abc import Iterator
from typing import Any

from oslo_config import cfg

from instance_images.config.events import DRIVER_SECTION, EventSettings
from instance_images.config.settings import parse_file
from instance_images.errors import ConfigurationError

# How many messages are fetched ahead of the one that is handled.
_PREFETCH = 50


def driver_options(settings: EventSettings, options: list[Any]) -> cfg.ConfigOpts:
    """Return the values of the driver's options. Raises ConfigurationError."""
    conf = cfg.ConfigOpts()
    files = [str(path) for path in settings.config_files]
    try:
        conf([], project="instance-images", default_config_files=files, default_config_dirs=[])
        conf.register_opts(options, group=DRIVER_SECTION)
        conf.set_default("rabbit_qos_prefetch_count", _PREFETCH, group=DRIVER_SECTION)
        _require_known(settings, {name for option in options for name in _names(option)})
        for option in options:
            conf[DRIVER_SECTION][option.dest]  # a wrong value is found when it is read
    except cfg.Error as error:
        raise ConfigurationError(f"Configuration: [{DRIVER_SECTION}]: {error}") from error
    return conf


def _names(option: Any) -> Iterator[str]:
    yield option.dest
    yield from (old.name.replace("-", "_") for old in option.deprecated_opts if old.name)


def _require_known(settings: EventSettings, known: set[str]) -> None:
    for path in settings.config_files:
        for key in parse_file(path).get(DRIVER_SECTION, {}):
            if key.replace("-", "_") not in known:
                raise ConfigurationError(
                    f"{path}: option {key} in [{DRIVER_SECTION}] is unknown to oslo.messaging."
                )
