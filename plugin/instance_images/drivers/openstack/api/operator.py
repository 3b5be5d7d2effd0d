"""Requests to an OpenStack region, with the credentials of one entry of clouds.yaml.

Sends requests with a token for an account's own project, and again where that is safe. ``opening``
opens connections, ``faults`` turns the SDK's errors into ours. Knows no image and no instance.
"""

import time
from functools import cached_property
from threading import Lock
from typing import Any

from keystoneauth1 import exceptions as keystone_errors
from openstack.connection import Connection

from instance_images.config.settings import Location
from instance_images.drivers import patience
from instance_images.drivers.openstack.api.answers import (
    address_of,
    may_be_json,
    reason_of,
    retry_after_seconds,
)
from instance_images.drivers.openstack.api.connections import Connections
from instance_images.drivers.openstack.api.faults import Faults
from instance_images.drivers.openstack.api.microversions import MICROVERSIONS
from instance_images.drivers.openstack.api.opening import connection_with, open_connection
from instance_images.drivers.openstack.api.retries import pauses_seconds
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    ProjectUnavailable,
)
from instance_images.model.requests import request_ids

TIMEOUT_SECONDS = 60
# Services log it beside the id that they give the request themselves.
GLOBAL_REQUEST_ID = "X-OpenStack-Request-ID"
# So long no other token is asked for after Keystone has given none for a project.
UNAVAILABLE_SECONDS = 60.0
# A service that wants to be left alone for longer than this is not waited for.
LONGEST_WAIT_SECONDS = 10.0

_INTERFACES = ["public", "internal", "admin"]


class OpenStackApi:
    """One region, with one entry of clouds.yaml. It connects when it is first asked for something.

    ``option`` is the option of the location that names the entry: ``cloud``, or another one.
    """

    def __init__(self, location: Location, option: str = "cloud") -> None:
        self._location = location
        self._option = option
        self.cloud: str = getattr(location, option)
        self._faults = Faults(location, self.cloud, lambda: self._connection)
        self._of_project = Connections(self._connected_to)
        self._unavailable: dict[str, tuple[float, ProjectUnavailable]] = {}
        self._lock = Lock()
        self._opened: Connection | None = None
        # Whether Nova tells the properties of an instance's image; known when it was asked.
        self.tells_image_properties = True

    @property
    def _connection(self) -> Connection:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    @property
    def connection(self) -> Connection:
        """The connection of these credentials, which is good for another plug-in's requests too."""
        return self._connection

    def _open(self) -> Connection:
        return open_connection(self._location, self._option, TIMEOUT_SECONDS)

    @property
    def auth(self) -> Any:
        """The plug-in of keystoneauth that sends these credentials."""
        return self._connection.session.auth

    def connected_with(self, plugin: Any) -> Connection:
        """Return a connection to the same region that authenticates with the plug-in."""
        return connection_with(self._connection, plugin)

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
            raise self._faults.explained(error, "identity") from error

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
            raise self._faults.unusable("Their token has no catalog: name a project.")
        region_name = connection.config.get_region_name(service_type)
        urls = catalog.get_urls(
            service_type=service_type, region_name=region_name, interface=_INTERFACES
        )
        if urls:
            where = self._faults.where(service)
            raise ConfigurationError(
                f"{where} has an endpoint in region {region_name!r}, and none of interface"
                f" {connection.config.get_interface(service_type)!r}: correct interface"
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
            raise self._faults.explained(error, "identity") from error
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
        if service in MICROVERSIONS:
            more.setdefault("microversion", MICROVERSIONS[service])
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
            raise CloudUnavailable(
                f"{self._faults.where(service)} was not asked: the time is over."
            )
        return min(left_seconds, TIMEOUT_SECONDS)

    def read(self, service: str, path: str, **params: str) -> Any:
        """Return the JSON that the service answers with, None where it has nothing there (404)."""
        answer = self.ask(None, service, "GET", path, allow=(404,), params=params)
        if answer.status_code == 404:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise self._faults.no_json(service, answer) from error

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
            raise self._faults.explained(error, service) from error
        # Heat accepts an update with 202 and the words for it; a proxy's page comes with 200.
        if answer.status_code in (200, 201) and not may_be_json(answer.content):
            raise self._faults.no_json(service, answer)
        if answer.status_code < 400 or answer.status_code in allow:
            return answer
        raise self._faults.failed(
            service, answer.status_code, reason_of(answer), retry_after_seconds(answer)
        )
