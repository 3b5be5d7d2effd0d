"""Requests to an OpenStack region, with the credentials of one entry of clouds.yaml.

The only module that imports ``openstack``: connections, tokens for an account's own project, and
the SDK's errors turned into ours. Knows no image and no instance.
"""

import time
from functools import cached_property
from threading import Lock
from typing import Any

from keystoneauth1 import exceptions as keystone_errors
from keystoneauth1 import loading
from openstack import exceptions as sdk_errors
from openstack.config import OpenStackConfig
from openstack.config.cloud_region import CloudRegion
from openstack.config.loader import CONFIG_FILES, SECURE_FILES
from openstack.connection import Connection

from instance_images.config.clouds import (
    CONFIG_VARIABLE,
    SECURE_VARIABLE,
    candidates,
    entry_of,
)
from instance_images.config.settings import Location
from instance_images.drivers import patience
from instance_images.drivers.openstack.api.answers import (
    address_of,
    may_be_json,
    one_line,
    reason_of,
    retry_after_seconds,
)
from instance_images.drivers.openstack.api.connections import Connections
from instance_images.drivers.openstack.api.retries import pauses_seconds
from instance_images.drivers.openstack.api.sessions import LimitedSession
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    ProjectUnavailable,
    Refused,
)
from instance_images.model.requests import request_ids
from instance_images.names import printable

# 2.45 answers createImage with the image's id; 2.37 knows networks = none and auto.
COMPUTE_MICROVERSION = "2.45"
# 3.1 makes images of volumes that are private.
VOLUME_MICROVERSION = "3.1"
TIMEOUT_SECONDS = 60
APP_NAME = "instance-images"
# Services log it beside the id that they give the request themselves.
GLOBAL_REQUEST_ID = "X-OpenStack-Request-ID"
# So long no other token is asked for after Keystone has given none for a project.
UNAVAILABLE_SECONDS = 60.0
# A service that wants to be left alone for longer than this is not waited for.
LONGEST_WAIT_SECONDS = 10.0

_SERVICE_NAMES = {
    "identity": "Keystone",
    "compute": "Nova",
    "image": "Glance",
    "network": "Neutron",
    "orchestration": "Heat",
    "block_storage": "Cinder",
}
_PASSWORD_TYPES = (None, "password", "v3password")
_INTERFACES = ["public", "internal", "admin"]
_MICROVERSIONS = {"compute": COMPUTE_MICROVERSION, "block_storage": VOLUME_MICROVERSION}

_NO_ENDPOINT = (keystone_errors.CatalogException, sdk_errors.ServiceDiscoveryException)
# An endpoint of the catalog that does not even tell its versions counts as not reached.
_NO_ANSWER = (
    keystone_errors.ConnectionError,
    keystone_errors.DiscoveryFailure,
    sdk_errors.NotSupported,
    sdk_errors.ResourceTimeout,
)


class OpenStackApi:
    """One region, with one entry of clouds.yaml. It connects when it is first asked for something.

    ``option`` is the option of the location that names the entry: ``cloud``, or another one.
    """

    def __init__(self, location: Location, option: str = "cloud") -> None:
        self._location = location
        self._option = option
        self.cloud: str = getattr(location, option)
        self._of_project = Connections(self._connected_to)
        self._unavailable: dict[str, tuple[float, ProjectUnavailable]] = {}
        self._lock = Lock()
        self._opened: Connection | None = None

    @property
    def _connection(self) -> Connection:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> Connection:
        """Connect as files say alone: what OS_CLOUD and the like name is another user's."""
        files = candidates(CONFIG_VARIABLE, CONFIG_FILES)
        secure_files = candidates(SECURE_VARIABLE, SECURE_FILES)
        try:
            entry_of(self.cloud, files, secure_files)
            config = OpenStackConfig(
                config_files=files,
                secure_files=secure_files,
                load_envvars=False,
                app_name=APP_NAME,
                session_constructor=LimitedSession,
            )
            region = config.get_one(
                cloud=self.cloud,
                region_name=self._location.region_name,
                api_timeout=TIMEOUT_SECONDS,
            )
            return Connection(config=region)
        except ConfigurationError:
            raise
        except Exception as error:  # a malformed clouds.yaml raises whatever its shape trips over
            raise ConfigurationError(
                f"Location {self._location.name}: the entry {self.cloud!r} of clouds.yaml"
                f" cannot be used: {one_line(str(error))} Correct clouds.yaml, or {self._option}"
                f" and region_name in [location:{self._location.name}]."
            ) from error

    @property
    def auth(self) -> Any:
        """The plug-in of keystoneauth that sends these credentials."""
        return self._connection.session.auth

    def connected_with(self, plugin: Any) -> Connection:
        """Return a connection to the same region that sends what the plug-in has."""
        known = self._connection.config
        region = CloudRegion(
            name=known.name,
            region_name=known.region_name,
            config={**known.config, "auth": {}},
            force_ipv4=known.force_ipv4,
            auth_plugin=plugin,
            session_constructor=LimitedSession,
            app_name=APP_NAME,
            discovery_cache=self._connection.session._discovery_cache,
        )
        return Connection(config=region)

    @cached_property
    def access(self) -> Any:
        """What Keystone says of the credentials: project_id, project_name, role_names."""
        return self._access(self._connection)

    def access_in(self, project_id: str) -> Any:
        """Return what Keystone says of the token that requests in the project are sent with."""
        return self._access(self._as_project(project_id))

    def _access(self, connection: Connection) -> Any:
        session: Any = connection.session
        try:
            return session.auth.get_access(session)
        except Exception as error:
            raise self._explained(error, "identity") from error

    @property
    def is_application_credential(self) -> bool:
        """Whether the credentials are good for one project alone, whatever roles their user has."""
        return bool(self.access.application_credential_id)

    def offers(self, service: str) -> bool:
        """Return whether our region has the service, where requests to it would be sent.

        Raises ConfigurationError where that cannot be known: with a token without a catalog, and
        where the region has the service at other interfaces than the one that clouds.yaml names.
        """
        catalog: Any = self.access.service_catalog
        service_type = service.replace("_", "-")  # as in the catalog, which knows the aliases
        connection = self._connection
        if connection.endpoint_for(service_type):  # an override, or of our interface
            return True
        if not catalog.catalog:
            raise self._unusable("Their token has no catalog: name a project.")
        region_name = connection.config.get_region_name(service_type)
        urls = catalog.get_urls(
            service_type=service_type, region_name=region_name, interface=_INTERFACES
        )
        if urls:
            raise ConfigurationError(
                f"{self._where(service)} has an endpoint in region {region_name!r}, and none of"
                f" interface {connection.config.get_interface(service_type)!r}: correct interface"
                f" of {self.cloud!r} in clouds.yaml, or the catalog."
            )
        return False

    def address(self, service: str) -> str | None:
        """Return host, port and path of the service, as everybody names it; None if nobody does.

        The catalog's public one, unless clouds.yaml has another one in its place: it is the same
        whichever interface these credentials use, with and without TLS at the same port.
        """
        config: Any = self._connection.config
        url = config.get_endpoint(service)
        if not url:
            catalog: Any = self.access.service_catalog
            where = {
                "service_type": service.replace("_", "-"),
                "region_name": self._location.region_name,
            }
            urls = catalog.get_urls(interface="public", **where) or catalog.get_urls(**where)
            url = urls[0] if urls else None
        return address_of(url) if url else None

    def _as_project(self, project_id: str) -> Connection:
        """Return a connection whose token is for the project. Raises ProjectUnavailable."""
        if project_id == self.access.project_id:
            return self._connection
        return self._of_project.of(project_id)

    def _connected_to(self, project_id: str) -> Connection:
        until, fault = self._unavailable.get(project_id, (0.0, None))
        if fault is not None and time.monotonic() < until:
            raise fault
        connection = self._connection.connect_as(project_id=project_id, project_name=None)
        try:
            connection.session.get_token()
        except (keystone_errors.Unauthorized, keystone_errors.NotFound) as error:
            raise self._unavailable_project(project_id) from error
        except Exception as error:
            raise self._explained(error, "identity") from error
        return connection

    def _unavailable_project(self, project_id: str) -> ProjectUnavailable:
        """Return why there is no token for the project; kept for a while, for other tasks of it."""
        fault = self.fault_of_project(project_id)
        if fault is None and self.is_application_credential:
            fault = (
                f"the credentials of {self.cloud!r} are an application credential, which is good"
                " for one project alone. Metering works with it; to capture, deploy and delete for"
                " other projects needs a user with a password in clouds.yaml."
            )
        fault = fault or (
            f"the credentials of {self.cloud!r} have no role on it, or its domain is disabled."
        )
        error = ProjectUnavailable(project_id, fault)
        now = time.monotonic()
        with self._lock:
            kept = {id: entry for id, entry in self._unavailable.items() if entry[0] > now}
            self._unavailable = {**kept, project_id: (now + UNAVAILABLE_SECONDS, error)}
        return error

    def fault_of_project(self, project_id: str) -> str | None:
        """Return that Keystone does not have the project, or that it is disabled; else None."""
        path = f"/projects/{project_id}"
        answer = self.ask(None, "identity", "GET", path, allow=(403, 404))
        if answer.status_code == 404:
            return "Keystone does not have it any more."
        if answer.ok and not answer.json()["project"]["enabled"]:
            return "it is disabled."
        return None

    def _connected(self, project_id: str | None, *, by_id: bool) -> Connection:
        """Return the connection to send a request of the project with."""
        if project_id is None:
            return self._connection
        try:
            return self._as_project(project_id)
        except ProjectUnavailable:
            if by_id and "admin" in self.access.role_names:
                return self._connection
            raise

    def ask(
        self,
        project_id: str | None,
        service: str,
        method: str,
        path: str,
        allow: tuple[int, ...] = (),
        *,
        by_id: bool = False,
        **more: Any,
    ) -> Any:
        """Send one request in the project, or in the credentials' own if it is None.

        Returns the answer if its status is a success or in ``allow``; else raises CloudUnavailable
        (no answer, 408, 429, 5xx), ConfigurationError (401, 406, no endpoint), ProjectUnavailable
        or Refused. A read that finds a service unavailable is sent again a few times; nothing else
        ever is. ``by_id``: reads or deletes one thing by its id, which the admin role may do with
        a token of its own where there is none for the project; the caller looks whose it is.
        """
        connection = self._connected(project_id, by_id=by_id)
        if service in _MICROVERSIONS:
            more.setdefault("microversion", _MICROVERSIONS[service])
        request_id = request_ids.current()
        if request_id is not None:
            more["headers"] = {**more.get("headers", {}), GLOBAL_REQUEST_ID: request_id}
        for pause_seconds in pauses_seconds(is_read=method == "GET"):
            left_seconds = patience.seconds_left()
            if left_seconds is not None:
                more["timeout"] = self._require_time(service, left_seconds)
            try:
                return self._send(connection, service, method, path, allow, more)
            except CloudUnavailable as error:
                wait_seconds = max(pause_seconds or 0, error.retry_after_seconds or 0)
                longest_seconds = LONGEST_WAIT_SECONDS if left_seconds is None else left_seconds
                if pause_seconds is None or wait_seconds > longest_seconds:
                    raise
                if isinstance(error.__cause__, keystone_errors.ConnectTimeout):
                    raise  # it has been waited for long enough
            except ConfigurationError:
                if project_id is None or connection is self._connection:
                    raise
                # The token was good before; now the project may be disabled.
                self._of_project.drop(project_id)
                self._as_project(project_id)
                raise
            time.sleep(wait_seconds)
        raise AssertionError("the last pause is None")

    def _require_time(self, service: str, left_seconds: float) -> float:
        """Return the timeout of a request of which a caller waits for so long."""
        if left_seconds <= 0:
            raise CloudUnavailable(f"{self._where(service)} was not asked: the time is over.")
        return min(left_seconds, TIMEOUT_SECONDS)

    def read(self, service: str, path: str, **params: str) -> Any:
        """Return the JSON that the service answers with, None where it has nothing there (404)."""
        answer = self.ask(None, service, "GET", path, allow=(404,), params=params)
        if answer.status_code == 404:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise self._no_json(service, answer) from error

    def _no_json(self, service: str, answer: Any) -> CloudUnavailable:
        """Return the error for what a proxy in front of the service has to say instead."""
        return CloudUnavailable(
            f"{self._where(service)} returned an answer that is not JSON: {reason_of(answer)}"
            " Try again later."
        )

    def _send(
        self,
        connection: Connection,
        service: str,
        method: str,
        path: str,
        allow: tuple[int, ...],
        more: dict[str, Any],
    ) -> Any:
        try:
            proxy = getattr(connection, service)  # its endpoint is looked up here
            # The SDK itself would send requests again that may have taken effect.
            answer = proxy.request(path, method, raise_exc=False, status_code_retries=0, **more)
        except Exception as error:
            raise self._explained(error, service) from error
        # Heat accepts an update with 202 and the words for it; a proxy's page comes with 200.
        if answer.status_code in (200, 201) and not may_be_json(answer.content):
            raise self._no_json(service, answer)
        if answer.status_code < 400 or answer.status_code in allow:
            return answer
        raise self._failed(
            service, answer.status_code, reason_of(answer), retry_after_seconds(answer)
        )

    def _explained(self, error: Exception, service: str) -> Exception:
        """Return ours for an error of the SDK; a bug is returned as it is."""
        reason = one_line(str(error))
        told = f"{error}{getattr(error, 'url', '')}"
        if "/auth/tokens" in told or "attempting to authenticate" in told:
            service = "identity"  # which gives the token for the request to the other one
        where = self._where(service)
        if isinstance(error, keystone_errors.HttpError):
            if error.http_status == 400 and service == "identity":
                return self._unusable(reason)
            return self._failed(service, error.http_status, reason)
        if isinstance(error, _NO_ANSWER):
            return CloudUnavailable(
                f"{where} cannot be reached: {reason} Try again when it answers."
            )
        if isinstance(error, _NO_ENDPOINT):
            return ConfigurationError(
                f"{where} has no usable endpoint in region {self._location.region_name!r}: {reason}"
                f" Correct region_name in [location:{self._location.name}], or the catalog."
            )
        # A certificate's file that is missing is an OSError; a user's password, an Exception.
        known = (keystone_errors.ClientException, sdk_errors.SDKException, OSError)
        if isinstance(error, known) or type(error) is Exception:
            return self._unusable(reason)
        return error

    def _unusable(self, reason: str) -> ConfigurationError:
        return ConfigurationError(
            f"The credentials of {self.cloud!r} in clouds.yaml cannot be used: {reason} Correct"
            " them there."
        )

    def _failed(
        self, service: str, status: int, reason: str, retry_after_seconds: int | None = None
    ) -> Exception:
        """Return ours for an answer that is an error."""
        where = self._where(service)
        if status >= 500 or status in (408, 429):
            return CloudUnavailable(
                f"{where} answered HTTP {status}: {reason} Try again later.",
                status,
                retry_after_seconds,
            )
        if status == 401:
            return self._rejected(service, reason)
        if status == 406 and service in _MICROVERSIONS:
            needed = _MICROVERSIONS[service]
            return ConfigurationError(
                f"{where} is too old: it does not know microversion {needed} of its API (HTTP 406):"
                f" {reason} Upgrade it."
            )
        return Refused(f"{where} answered HTTP {status}: {reason}")

    def _rejected(self, service: str, reason: str) -> ConfigurationError:
        """Return what is known: Keystone answers alike to a wrong password and a missing role."""
        if service != "identity":
            return ConfigurationError(
                f"{self._where(service)} rejects the token that Keystone gave for the credentials"
                f" of {self.cloud!r} (HTTP 401): {reason} Check [keystone_authtoken] of the"
                " service, and whether the user is disabled."
            )
        scope = _scope_of(self._connection.config.get_auth_args())
        if self._has_user():
            cause = (
                f"their password is right, but the user has no role on {scope}, or that does not"
                " exist or is disabled. Give the user a role there, or correct the project."
            )
        else:
            cause = (
                "it does not say why. The user, its domain or the password may be wrong, the user"
                f" disabled, or without a role on {scope}: {reason} Correct them there."
            )
        return ConfigurationError(
            f"Keystone rejects the credentials of {self.cloud!r} in clouds.yaml: {cause}"
        )

    def _has_user(self) -> bool:
        """Return whether Keystone knows user and password: without a project it needs no role."""
        config = self._connection.config
        given = config.get_auth_args()
        if "password" not in given or config.config.get("auth_type") not in _PASSWORD_TYPES:
            return False
        wanted = {"auth_url", "username", "user_id", "password", "user_domain_id"}
        wanted |= {"user_domain_name", "default_domain_id", "default_domain_name"}
        user = {key: value for key, value in given.items() if key in wanted}
        try:
            loader: Any = loading.get_plugin_loader("v3password")
            session: Any = self._connection.session
            return bool(session.get_token(loader.load_from_options(**user, unscoped=True)))
        except Exception:  # nothing more is known then
            return False

    def _where(self, service: str) -> str:
        return f"{_SERVICE_NAMES[service]} of location {self._location.name}"


def _scope_of(auth: dict[str, Any]) -> str:
    """Return what the credentials of an entry are to be good for."""
    for key in ("project_name", "project_id", "domain_name", "domain_id"):
        if value := auth.get(key):
            return f"{key.partition('_')[0]} {printable(str(value))!r}"
    return "its project"
