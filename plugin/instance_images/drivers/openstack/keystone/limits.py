"""Keystone's unified limits in our types: how many images the cloud's operator allows an account.

The API is read directly. oslo.limit would want a configuration and credentials of its own, with a
service user and an endpoint for this product, and would count as well; its rule is the one here: a
limit of the project (or domain) comes before the registered default of its service and region.
"""

from typing import Any

from instance_images.drivers.openstack.service import Service
from instance_images.errors import ConfigurationError
from instance_images.model.records import Account, AccountScope
from instance_images.names import printable

RESOURCE = "instance_images"


class Limits(Service):
    """The limits of the cloud's operator."""

    def account_limit(self, account: Account) -> int | None:
        """Return how many images the cloud allows the account, None where it does not say."""
        registered = self._registered_limit()
        if registered is None:
            return None
        is_domain = account.scope is AccountScope.DOMAIN
        if is_domain and "admin" not in self._api.access.role_names:
            raise ConfigurationError(
                f"Keystone holds limits for {RESOURCE}, and shows those of domains to the admin"
                f" role alone: give it to the credentials of {self._location.cloud!r}."
            )
        kind = "domain_id" if is_domain else "project_id"
        for limit in self._asked("limits", {kind: account.id}):
            same = all(limit[key] == registered[key] for key in ("service_id", "region_id"))
            if same and limit[kind] == account.id:
                return int(limit["resource_limit"])
        return int(registered["default_limit"])

    def default_limit(self) -> int | None:
        """Return what is registered for all accounts, None where nothing is."""
        registered = self._registered_limit()
        return None if registered is None else int(registered["default_limit"])

    def _registered_limit(self) -> dict[str, Any] | None:
        """Return what is registered for this region, or else for all regions."""
        found = self._asked("registered_limits", {})
        for region in (self._location.region_name, None):
            here = [limit for limit in found if limit["region_id"] == region]
            if len(here) > 1:
                raise ConfigurationError(
                    f"Keystone holds {len(here)} registered limits for {RESOURCE} in region"
                    f" {region or 'none'}, of different services: delete all but one."
                )
            if here:
                return here[0]
        return None

    def _asked(self, kind: str, params: dict[str, str]) -> list[dict[str, Any]]:
        answer = self._api.ask(
            None,
            "identity",
            "GET",
            f"/{kind}",
            params={**params, "resource_name": RESOURCE},
            allow=(403, 404),
        )
        if answer.status_code == 404:
            return []  # a Keystone before unified limits
        if answer.status_code == 403:
            raise ConfigurationError(
                f"The credentials of {printable(self._location.cloud)!r} may not read Keystone's"
                f" {kind.replace('_', ' ')}, so that no limit is known: give them the admin role."
            )
        found: list[dict[str, Any]] = answer.json()[kind]
        return found
