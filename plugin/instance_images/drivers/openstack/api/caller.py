"""Requests to an OpenStack region with the token of a caller, and with no more rights than his.

The token is sent as it is, and never exchanged for another one: Keystone does not do that for every
kind of token. Beside it goes a token of our service user, if that has the role ``service``: then
the services take the caller's for as long as the request lasts.
"""

from functools import cached_property
from typing import Any

from keystoneauth1 import access
from keystoneauth1.identity.access import AccessInfoPlugin
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.service_token import ServiceTokenAuthWrapper

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.faults import Faults
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.errors import Refused, TokenRejected
from instance_images.model.requests.caller import Caller

# keystonemiddleware's ``service_token_roles``; services may reject a service token without it.
SERVICE_ROLE = "service"


class CallerApi(OpenStackApi):
    """One region, with the token of a caller. It holds no state but the caller's connection."""

    def __init__(self, location: Location, operator: OpenStackApi, caller: Caller) -> None:
        super().__init__(location)
        self._faults = _CallersFaults(location, self.cloud, lambda: self._connection)
        self._operator, self._caller = operator, caller
        self._plugin: Any = _Token(operator, caller.token)
        known: Any = getattr(caller.auth, "user", None)
        if known is not None:
            # Not the plug-in itself: it adds a service token of the middleware's own user, with
            # which services reject the request where that user lacks the role.
            self._plugin = AccessInfoPlugin(known)

    @cached_property
    def _sender(self) -> Any:
        """The plug-in that sends the caller's token, with ours beside it if that helps."""
        if SERVICE_ROLE in self._operator.access.role_names:
            return ServiceTokenAuthWrapper(self._plugin, self._operator.auth)
        return self._plugin

    def _open(self) -> Any:
        return self._operator.connected_with(self._sender)

    def _connected(self, project_id: str | None, *, by_id: bool) -> Any:
        """Return the operator's connection, which ``_send`` sends the caller's token with.

        A connection of the caller's own takes longer to make than a request to send.
        """
        if project_id is not None:
            self._require_own(project_id)
        return self._operator.connection

    def _send(
        self,
        connection: Any,
        service: str,
        method: str,
        path: str,
        allow: tuple[int, ...],
        more: dict[str, Any],
    ) -> Any:
        if self._has_fixed_endpoint(connection, service):  # it may be the one for another project
            return super()._send(self._connection, service, method, path, allow, more)
        more = {**more, "auth": self._sender}
        return super()._send(connection, service, method, path, allow, more)

    def _has_fixed_endpoint(self, connection: Any, service: str) -> bool:
        try:
            return getattr(connection, service).endpoint_override is not None
        except Exception as error:
            raise self._faults.explained(error, service) from error

    def _access(self, connection: Any) -> Any:
        try:
            return self._plugin.get_access(connection.session)
        except Exception as error:
            raise self._faults.explained(error, "identity") from error

    def _as_project(self, project_id: str) -> Any:
        """Return the caller's connection. Raises Refused for another project than the token's."""
        self._require_own(project_id)
        return self._connection

    def _require_own(self, project_id: str) -> None:
        if project_id != self._caller.project_id or project_id != self.access.project_id:
            raise Refused(
                f"Your token is for project {self._caller.project_id}, and this needs a token for"
                f" project {project_id}: log in to that project."
            )

    @cached_property
    def access(self) -> Any:
        """What Keystone says of the caller's token."""
        return self._access(self._operator.connection)


class _CallersFaults(Faults):
    """The errors of requests that are sent with a caller's token."""

    def failed(
        self, service: str, status: int, reason: str, retry_after_seconds: int | None = None
    ) -> Exception:
        """Return our error as for the operator's requests, TokenRejected for status 401."""
        if status == 401:
            return TokenRejected(f"{self.where(service)} rejects your token: {reason}")
        return super().failed(service, status, reason, retry_after_seconds)


class _Token(BaseIdentityPlugin):
    """A token as it was received, with the catalog that Keystone has for it."""

    def __init__(self, operator: OpenStackApi, token: str) -> None:
        super().__init__(auth_url=operator.auth.auth_url)
        self._operator, self._token = operator, token

    def get_auth_ref(self, session: Any, **_kwargs: Any) -> Any:
        """Return what Keystone tells our service user of the token."""
        answer = self._operator.ask(
            None,
            "identity",
            "GET",
            "/auth/tokens",
            allow=(401, 404),
            headers={"X-Subject-Token": self._token},
        )
        if answer.status_code != 200:
            raise TokenRejected("Keystone does not know your token, or not any more.")
        return access.create(body=answer.json(), auth_token=self._token)
