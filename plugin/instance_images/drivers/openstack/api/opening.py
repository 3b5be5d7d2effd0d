"""Opens connections of the SDK to a region, from an entry of clouds.yaml. Sends no request."""

from collections.abc import Mapping
from typing import Any

from openstack.config import OpenStackConfig
from openstack.config.cloud_region import CloudRegion
from openstack.config.loader import CONFIG_FILES, SECURE_FILES
from openstack.config.vendors import get_profile
from openstack.connection import Connection

from instance_images.config.clouds import (
    CONFIG_VARIABLE,
    SECURE_VARIABLE,
    candidates,
    entry_of,
)
from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.answers import one_line
from instance_images.drivers.openstack.api.sessions import LimitedSession
from instance_images.errors import ConfigurationError
from instance_images.names import printable

APP_NAME = "instance-images"


def open_connection(location: Location, option: str, timeout_seconds: float) -> Connection:
    """Return a connection with the entry of clouds.yaml that the option of the location names.

    Only files count: variables such as OS_CLOUD belong to another user. Sends no request. Raises
    ConfigurationError where the entry cannot be used.
    """
    cloud = getattr(location, option)
    files = candidates(CONFIG_VARIABLE, CONFIG_FILES)
    secure_files = candidates(SECURE_VARIABLE, SECURE_FILES)
    try:
        entry = entry_of(cloud, files, secure_files)
        config = OpenStackConfig(
            config_files=files,
            secure_files=secure_files,
            load_envvars=False,
            app_name=APP_NAME,
            session_constructor=LimitedSession,
        )
        _require_profile(config, entry)
        region = config.get_one(
            cloud=cloud,
            region_name=location.region_name,
            api_timeout=timeout_seconds,
        )
        return Connection(config=region)
    except ConfigurationError:
        raise
    except Exception as error:  # a malformed clouds.yaml raises whatever its shape trips over
        raise ConfigurationError(
            f"Location {location.name}: the entry {cloud!r} of clouds.yaml"
            f" cannot be used: {one_line(str(error))} Correct clouds.yaml, or {option}"
            f" and region_name in [location:{location.name}]."
        ) from error


def _require_profile(config: OpenStackConfig, entry: Mapping[str, Any]) -> None:
    """Raise ValueError for an unknown vendor profile: the SDK warns, and connects without it."""
    name = entry.get("profile", entry.get("cloud"))
    if not name:
        return
    _, vendor_file = config._load_vendor_file()
    own = (vendor_file or {}).get("public-clouds") or {}
    if name not in own and get_profile(str(name)) is None:
        raise ValueError(
            f"its profile {printable(str(name))} is neither a vendor profile of the SDK nor in"
            " clouds-public.yaml: correct it, or remove it and write auth.auth_url."
        )


def connection_with(connection: Connection, plugin: Any) -> Connection:
    """Return a connection to the same region that authenticates with the plug-in."""
    known = connection.config
    region = CloudRegion(
        name=known.name,
        region_name=known.region_name,
        config={**known.config, "auth": {}},
        force_ipv4=known.force_ipv4,
        auth_plugin=plugin,
        session_constructor=LimitedSession,
        app_name=APP_NAME,
        discovery_cache=connection.session._discovery_cache,
    )
    return Connection(config=region)
