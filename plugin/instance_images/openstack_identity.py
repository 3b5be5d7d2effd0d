"""Keystone in our types: who an account is, and what the credentials may see."""

import re
from typing import Any

from instance_images.domain import Account
from instance_images.errors import ConfigurationError, NotFound, Refused
from instance_images.names import printable
from instance_images.openstack_part import OpenStackPart

_PROJECT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class OpenStackIdentity(OpenStackPart):
    """The driver's methods about accounts."""

    def account(self, reference: str | None) -> Account:
        """Return the account of that id or name, or the credentials' own. Raises NotFound."""
        own = Account(self._api.access.project_id or "", self._api.access.project_name or "")
        if reference is None:
            if not own.id:
                raise ConfigurationError(
                    f"The credentials of {self._location.cloud!r} are for no project: name the"
                    " account with --account."
                )
            return own
        if reference in (own.id, own.name):
            return own
        projects = self._projects(reference)
        if len(projects) > 1:
            raise Refused(
                f"{len(projects)} projects are named {printable(reference)!r}: give the id of one"
                f" of {', '.join(project['id'] for project in projects)}."
            )
        if not projects:
            raise NotFound("Account", reference, "Give the id or name of a Keystone project.")
        return Account(projects[0]["id"], projects[0]["name"])

    def _projects(self, reference: str) -> list[dict[str, Any]]:
        if _PROJECT_ID.fullmatch(reference):
            answer = self._api.ask(
                None, "identity", "GET", f"/projects/{reference}", allow=(403, 404)
            )
            if answer.status_code == 200:
                return [answer.json()["project"]]
        answer = self._api.ask(
            None,
            "identity",
            "GET",
            "/projects",
            params={"name": reference},
            allow=(400, 403),  # 400: no project can have such a name
        )
        return answer.json()["projects"] if answer.status_code == 200 else []

    def sees_all_accounts(self) -> bool:
        """Return whether the credentials hold the admin role, which hides no image from them."""
        return "admin" in self._api.access.role_names
