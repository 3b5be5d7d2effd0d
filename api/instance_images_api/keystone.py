"""The Keystone that confirms tokens, and whether a location's is the same one.

A location of another Keystone is not served: the ids of its projects are those of other customers.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from keystoneauth1 import exceptions, loading, session
from keystonemiddleware import auth_token

from instance_images.config.api import library_options
from instance_images.config.settings import Settings
from instance_images.drivers import patience
from instance_images.drivers.openstack.api.answers import address_of
from instance_images.drivers.provider import Provider
from instance_images.errors import CloudUnavailable, ConfigurationError, NotFound, Refused
from instance_images.locations.application import Application
from instance_images.model.cloud import IdentityService

LOG = logging.getLogger(__name__)
SECTION, SERVICE_TYPE = "keystone_authtoken", "instance-images"
# auth_token itself waits for ever, and tries three times more.
TIMEOUT_SECONDS, RETRIES = 6, 1
_NO_ANSWER = (exceptions.ConnectFailure, exceptions.DiscoveryFailure, exceptions.HttpServerError)


@dataclass(frozen=True, slots=True)
class TokenKeystone:
    """The Keystone of [keystone_authtoken]: its addresses in the catalog, and the user there.

    ``endpoints`` are the public URLs of this service in the catalog.
    """

    addresses: Sequence[str]
    project_id: str
    endpoints: Sequence[str] = ()


def bound_waiting(libraries: Any) -> None:
    """Have auth_token wait for Keystone no longer than a request may take, unless it is told."""
    for group, options in auth_token.list_opts():
        libraries.register_opts(options, group=group)
    libraries.set_default("http_connect_timeout", TIMEOUT_SECONDS, group=SECTION)
    libraries.set_default("http_request_max_retries", RETRIES, group=SECTION)


def token_keystone(settings: Settings) -> TokenKeystone:
    """Return the Keystone that confirms tokens. Raises ConfigurationError and CloudUnavailable."""
    libraries = library_options(settings.config_paths)
    try:
        loading.register_auth_conf_options(libraries, SECTION)
        plugin: Any = loading.load_auth_from_conf_options(libraries, SECTION)
        for group, options in auth_token.list_opts():
            libraries.register_opts(options, group=group)
        section = libraries[SECTION]
        verify: Any = False if section.insecure else section.cafile or True
        connection = session.Session(auth=plugin, verify=verify, timeout=TIMEOUT_SECONDS)
        access: Any = plugin.get_access(connection)
    except _NO_ANSWER as error:
        raise CloudUnavailable(f"The Keystone of [{SECTION}] does not answer: {error}") from error
    except Exception as error:  # whatever the options' shape trips over
        raise ConfigurationError(
            f"Configuration: the credentials in [{SECTION}] cannot be used: {error}. Correct them."
        ) from error
    catalog = access.service_catalog
    urls = catalog.get_urls(service_type="identity", interface="public")
    return TokenKeystone(
        addresses=[address_of(url) for url in urls],
        project_id=access.project_id or "",
        endpoints=catalog.get_urls(service_type=SERVICE_TYPE, interface="public"),
    )


def is_configured(settings: Settings) -> bool:
    """Return whether the deployment has an API at all: whether [keystone_authtoken] is there."""
    libraries = library_options(settings.config_paths)
    loading.register_auth_conf_options(libraries, SECTION)
    return bool(libraries[SECTION].auth_type or libraries[SECTION].auth_section)


def versions_at(url: str) -> Any:
    """Return the JSON that is served at a URL without a token. Raises CloudUnavailable."""
    try:
        answer = session.Session(timeout=TIMEOUT_SECONDS).get(url, authenticated=False)
        return answer.json()
    except (exceptions.ClientException, ValueError) as error:
        raise CloudUnavailable(f"{url}: {error}") from error


def fault_of_location(
    name: str, provider: Provider, own: IdentityService, known: TokenKeystone
) -> str | None:
    """Return why the location's Keystone is not the one that confirms tokens, None if it is."""
    if own.address is not None and known.addresses and own.address not in known.addresses:
        return (
            f"Location {name} has its Keystone at {own.address}, and that of [{SECTION}] is at"
            f" {', '.join(known.addresses)}."
        )
    if known.project_id and known.project_id != own.project_id:
        try:
            found = provider.find_project(known.project_id).id
        except (NotFound, Refused):
            found = ""
        if found != known.project_id:
            return (
                f"The Keystone of location {name} does not have project {known.project_id}, which"
                f" is that of the user in [{SECTION}]."
            )
    return None


class KeystoneComparison:
    """Which locations are known to have the Keystone that confirms tokens. Safe for threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._same: set[str] = set()
        self._lock = Lock()

    def compare_at_start(self) -> None:
        """Compare all that are served; what does not answer now is compared on first use.

        Raises ConfigurationError.
        """
        try:
            with patience.within(2 * TIMEOUT_SECONDS, TIMEOUT_SECONDS):
                self.require(self._settings.api.locations)
        except CloudUnavailable as error:
            LOG.warning("Could not compare Keystone with that of the locations: %s", error)

    def require(self, names: Iterable[str]) -> None:
        """Raise ConfigurationError for a location with another Keystone, and CloudUnavailable."""
        if self._same.issuperset(names):
            return
        with self._lock:
            wanted = [name for name in names if name not in self._same]
            if not wanted:
                return
            known, application = None, Application(self._settings)
            for name in wanted:
                provider = application.provider(self._settings.location(name))
                own, fault = provider.identity_service(), None
                if own is not None:
                    known = known or token_keystone(self._settings)
                    fault = fault_of_location(name, provider, own, known)
                if fault is not None:
                    raise ConfigurationError(
                        f"Configuration: {fault} The ids of two clouds' projects would be taken for"
                        f" one another: correct [{SECTION}], or take {name} out of [api] locations."
                    )
                self._same.add(name)
