"""Reads the options of oslo.messaging's driver from our configuration files.

The library brings its options; it is not imported here.
"""

from collections.abc import Iterator
from typing import Any

from oslo_config import cfg

from instance_images.config.events import DRIVER_SECTION, EventSettings
from instance_images.config.files import explained, parse_file, require_valid, shown_key
from instance_images.errors import ConfigurationError

# How many messages are fetched ahead of the one that is handled.
_PREFETCH = 50


def driver_options(settings: EventSettings, options: list[Any]) -> cfg.ConfigOpts:
    """Return the values of the driver's options. Raises ConfigurationError."""
    _require_usable(settings, {name: option for option in options for name in _names(option)})
    conf = cfg.ConfigOpts()
    files = [str(path) for path in settings.config_files]
    try:
        conf([], project="instance-images", default_config_files=files, default_config_dirs=[])
        conf.register_opts(options, group=DRIVER_SECTION)
        conf.set_default("rabbit_qos_prefetch_count", _PREFETCH, group=DRIVER_SECTION)
        for option in options:
            conf[DRIVER_SECTION][option.dest]  # reading it raises an error for a wrong value
    except cfg.Error as error:
        raise explained(error, settings.config_files) from None
    return conf


def _names(option: Any) -> Iterator[str]:
    yield option.dest
    yield from (old.name.replace("-", "_") for old in option.deprecated_opts if old.name)


def _require_usable(settings: EventSettings, known: dict[str, Any]) -> None:
    for path in settings.config_files:
        for key, values in parse_file(path).get(DRIVER_SECTION, {}).items():
            option = known.get(key.replace("-", "_"))
            if option is None:
                raise ConfigurationError(
                    f"{path}: {shown_key(path, DRIVER_SECTION, key)} is unknown to oslo.messaging."
                )
            require_valid(path, DRIVER_SECTION, key, option.type, values[-1])
