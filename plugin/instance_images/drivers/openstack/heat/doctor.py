"""What can be wrong with the rights that Heat acts with: findings for the doctor. Changes nothing.

A trust outlives the credentials that gave it: a stack that was once made or changed with the admin
role executes its template with it at every signal, until somebody else changes the stack.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.drivers.openstack.heat.rights import StackCloud, privileged
from instance_images.drivers.openstack.heat.templates import GROUP_TAG
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    ProjectUnavailable,
    Refused,
)
from instance_images.model.findings import Finding, Severity

_SHOWN = 3
_LOOKED_AT = 50  # trusts, and projects whose stacks are listed


class StackExamination:
    """The checks of one location."""

    def __init__(self, location: Location, operator: OpenStackApi, stack_cloud: StackCloud) -> None:
        self._location = location
        self._operator = operator
        self._stack_cloud = stack_cloud

    def findings(self, project_ids: Collection[str]) -> Iterator[Finding]:
        """Yield what is wrong, where Heat is offered."""
        if not self._operator.offers("orchestration"):
            return
        yield from self._trusts()
        if self._stack_cloud.api is None:
            yield from self._missing(sorted(project_ids)[:_LOOKED_AT])
            return
        try:
            yield from self._credentials(self._stack_cloud.api, project_ids)
        except (CloudUnavailable, ConfigurationError, Refused) as error:
            yield self._error(str(error), f"Correct stack_cloud in {self._section}.")

    def _trusts(self) -> Iterator[Finding]:
        access = self._operator.access
        params = {"trustor_user_id": str(access.user_id)}
        answer = self._operator.ask(
            None, "identity", "GET", "/OS-TRUST/trusts", params=params, allow=(403, 404)
        )
        if answer.status_code == 403:  # application credentials see none
            yield self._finding(
                Severity.WARNING,
                f"The credentials of {self._operator.cloud!r} may not list the trusts of their"
                " user: whether Heat holds trusts with the admin role is not known.",
                "Run 'openstack trust list' with the user's password.",
            )
        trusts = answer.json()["trusts"] if answer.ok else []
        given = [trust for trust in trusts if trust["project_id"] != access.project_id]
        harmful = [trust for trust in given[:_LOOKED_AT] if self._is_privileged(trust["id"])]
        if harmful:
            projects = sorted({str(trust["project_id"]) for trust in harmful})
            yield self._error(
                f"{len(harmful)} trusts let a service act as the user of"
                f" {self._operator.cloud!r} with the admin role in the projects"
                f" {_listed(projects)}. Heat keeps such a trust for each stack that was made or"
                " changed with these credentials, and executes the customer's template with it.",
                "Delete these trusts of Heat ('openstack trust delete',"
                f" {_listed([str(trust['id']) for trust in harmful])}): a stack without its trust"
                " works again when its customer, or stack_cloud, has changed it.",
            )

    def _is_privileged(self, trust_id: str) -> bool:
        body = self._operator.read("identity", f"/OS-TRUST/trusts/{trust_id}") or {}
        return bool(privileged(role["name"] for role in body.get("trust", {}).get("roles", ())))

    def _missing(self, project_ids: Sequence[str]) -> Iterator[Finding]:
        """Find groups that can no longer be changed."""
        if any(map(self._has_groups, project_ids)):
            yield self._finding(
                Severity.WARNING,
                "There are scaling groups, and stack_cloud is not set: their image cannot be"
                " changed, and no new ones can be made.",
                f"Set stack_cloud in {self._section} to an entry of clouds.yaml whose user has the"
                " role member on the projects of the customers, and the admin role nowhere.",
            )

    def _has_groups(self, project_id: str) -> bool:
        params = {"limit": "1", "tags": GROUP_TAG}
        try:
            answer = self._operator.ask(
                project_id, "orchestration", "GET", "/stacks", params=params, allow=(403, 404)
            )
        except (ConfigurationError, ProjectUnavailable):
            return False  # no role there: found by another check
        return bool(answer.ok and answer.json()["stacks"])

    def _credentials(self, stacks: OpenStackApi, project_ids: Collection[str]) -> Iterator[Finding]:
        user_id = str(stacks.access.user_id)
        if user_id == self._operator.access.user_id:
            yield self._error(
                f"stack_cloud = {stacks.cloud!r} and cloud = {self._operator.cloud!r} are one user:"
                " scaling groups are refused.",
                "Make a user for stack_cloud that has the role member alone.",
            )
            return
        for role, places in self._privileges_of(user_id).items():
            yield self._error(
                f"The user of stack_cloud = {stacks.cloud!r} has the role {role} in"
                f" {_listed(places)}: customers' templates would be executed with it.",
                "Take the role away from this user: 'openstack role assignment list --effective"
                " --names --user USER' shows where it comes from.",
            )
        allowed = {p["id"] for p in stacks.read("identity", "/auth/projects")["projects"]}
        missing = sorted(set(project_ids) - allowed)
        if missing:
            yield self._finding(
                Severity.WARNING,
                f"The user of stack_cloud = {stacks.cloud!r} has no role on {len(missing)} of the"
                f" projects that own images ({_listed(missing)}): scaling groups of theirs cannot"
                " be made or changed.",
                "Give the user the role member there, best inherited from the domain: 'openstack"
                " role add --user USER --domain DOMAIN --inherited member'.",
            )

    def _privileges_of(self, user_id: str) -> dict[str, list[str]]:
        """Return where the user has which of the roles that he must not have, in effect."""
        found: dict[str, list[str]] = {}
        for role in (self._operator.read("identity", "/roles") or {}).get("roles", ()):
            if not privileged([role["name"]]):
                continue
            path = "/role_assignments?effective"
            params = {"user.id": user_id, "role.id": role["id"]}
            body = self._operator.read("identity", path, **params) or {}
            places = sorted({_place(one["scope"]) for one in body.get("role_assignments", ())})
            if places:
                found[role["name"]] = places
        return found

    @property
    def _section(self) -> str:
        return f"[location:{self._location.name}]"

    def _error(self, what: str, cure: str) -> Finding:
        return self._finding(Severity.ERROR, what, cure)

    def _finding(self, severity: Severity, what: str, cure: str) -> Finding:
        return Finding("cloud", severity, self._location.name, what, cure)


def _place(scope: dict[str, Any]) -> str:
    """Return where a role is held: a project or domain, or the system."""
    [(kind, value)] = [(kind, value) for kind, value in scope.items() if not kind.startswith("OS-")]
    return "the system" if kind == "system" else f"{kind} {value['id']}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN))
