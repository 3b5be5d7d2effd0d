"""Whose rights Heat is asked to act with. The one place that decides it.

Heat executes a stack's template with the rights of the user who makes or changes the stack, and
keeps a trust of that user, with which it acts on later signals. Templates are the customers' own,
and no look at one tells what it will make: so whoever makes or changes a stack must not be able to
do more than its customer.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.caller import CallerApi
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.errors import ConfigurationError, TooManyRights

# With them, the services' own policies allow what the role member does not. Policies compare the
# names of roles without regard to capitals.
PRIVILEGED_ROLES = frozenset({"admin", "manager", "service"})


def privileged(role_names: Iterable[str]) -> list[str]:
    """Return those of the roles that no customer's template may be executed with, sorted."""
    return sorted({name for name in role_names if name.lower() in PRIVILEGED_ROLES})


class StackRights(Protocol):
    """Decides what may be asked of Heat, and with which credentials."""

    def require_reader(self, project_id: str) -> None:
        """Raise Refused unless the project's groups may be looked at."""

    def checked_api(self, project_id: str) -> OpenStackApi:
        """Return what asks Heat to act in the project, when it is certain to have no privilege.

        The roles are those of the token that is then sent, inherited and implied ones included.
        Raises ConfigurationError or Refused.
        """
        ...


class StackCloud:
    """The credentials that the location's option ``stack_cloud`` names, checked before each use."""

    def __init__(self, location: Location, operator: OpenStackApi) -> None:
        self._name = location.name
        self._operator = operator
        self._stacks = OpenStackApi(location, "stack_cloud") if location.stack_cloud else None

    @property
    def api(self) -> OpenStackApi | None:
        """What the option names, unchecked; None where it names nothing."""
        return self._stacks

    def require_reader(self, project_id: str) -> None:
        """Let the operator look: its requests have Heat execute nothing."""

    def checked_api(self, project_id: str) -> OpenStackApi:
        """Return the credentials' connection. Raises ConfigurationError."""
        if self._stacks is None:
            raise ConfigurationError(
                f"Scaling groups of location {self._name} cannot be made or changed: Heat would"
                " execute a customer's template with the admin role. Set stack_cloud in"
                f" [location:{self._name}] to an entry of clouds.yaml whose user has the role"
                " member on the projects of the customers, and the admin role nowhere."
            )
        access = self._stacks.access_in(project_id)
        roles = privileged(access.role_names)
        if roles:
            raise self._unfit(f"has the role {', '.join(roles)} in project {project_id}")
        if access.user_id == self._operator.access.user_id:
            raise self._unfit(f"is the user of {self._operator.cloud!r}")
        return self._stacks

    def _unfit(self, reason: str) -> ConfigurationError:
        cloud: Any = self._stacks and self._stacks.cloud
        return ConfigurationError(
            f"Scaling groups of location {self._name} cannot be made or changed: the user of"
            f" stack_cloud = {cloud!r} {reason}, and Heat would execute a customer's template with"
            " these rights. Take them away, or name a user that has the role member alone."
        )


class CallerRights:
    """The caller's own token, if its rights are few enough."""

    def __init__(self, operator: OpenStackApi, api: CallerApi) -> None:
        self._operator = operator
        self._api = api

    def require_reader(self, project_id: str) -> None:
        """Raise Refused where the caller's token could not change what it looks at."""
        self.checked_api(project_id)

    def checked_api(self, project_id: str) -> OpenStackApi:
        """Return what asks Heat to act in the project as the caller.

        Raises Refused where the caller's token has a privileged role, or is the service user's.
        """
        access = self._api.access_in(project_id)
        roles: Sequence[str] = privileged(access.role_names)
        if not roles and access.user_id == self._operator.access.user_id:
            roles = ["of this service's own user"]
        if roles:
            raise TooManyRights(
                f"Scaling groups cannot be used with the role {', '.join(roles)}: Heat would"
                " execute the templates of customers with it. Use a token with the role member"
                " alone."
            )
        return self._api
