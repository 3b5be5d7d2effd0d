"""Keystone in our types: projects and domains, and what the credentials may see."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from instance_images.drivers.openstack.service import Service
from instance_images.errors import ConfigurationError, NotFound, Refused
from instance_images.model.cloud import Domain, IdentityService, Project
from instance_images.names import printable

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Projects(Service):
    """Projects and domains."""

    def find_project(self, reference: str | None) -> Project:
        """Return the project of that id or name, or the credentials' own. Raises NotFound."""
        access = self._api.access
        own = Project(
            access.project_id,
            access.project_name,
            access.project_domain_id,
            access.project_domain_name,
        )
        if own.id and reference in (None, own.id):
            return own
        if reference is None:
            raise ConfigurationError(
                f"The credentials of {self._location.cloud!r} are for no project: name the"
                " account.",
                case="account",
            )
        projects = self._looked_up("project", reference)
        if len(projects) > 1:
            raise Refused(
                f"{len(projects)} projects are named {printable(reference)!r}: give the id of one"
                f" of {', '.join(project['id'] for project in projects)}."
            )
        if not projects and own.id and reference == own.name:
            return own  # the credentials may look up nothing, and know their own project
        if not projects:
            raise NotFound("Account", reference, "Give the id or name of a Keystone project.")
        return Project(projects[0]["id"], projects[0]["name"], projects[0]["domain_id"])

    def identity_service(self) -> IdentityService:
        """Return the address of Keystone in the catalog, and the credentials' own project."""
        access = self._api.access
        address = self._api.address("identity")
        return IdentityService(address, access.project_id or "", tuple(access.role_names))

    def find_domain(self, reference: str) -> Domain:
        """Return the domain of that id or name. Raises NotFound."""
        access = self._api.access
        if access.project_id and reference in (
            access.project_domain_id,
            access.project_domain_name,
        ):
            return Domain(access.project_domain_id, access.project_domain_name)
        domains = self._looked_up("domain", reference)
        if not domains:
            raise NotFound("Account", reference, "Give the id or name of a Keystone domain.")
        return Domain(domains[0]["id"], domains[0]["name"])  # a domain's name is its own alone

    def _looked_up(self, kind: str, reference: str) -> list[dict[str, Any]]:
        """Return the project or domain of that id, or else those of that name.

        What the credentials may not see is not there for them.
        """
        if _ID.fullmatch(reference):
            path = f"/{kind}s/{reference}"
            answer = self._api.ask(None, "identity", "GET", path, allow=(403, 404))
            if answer.status_code == 200:
                return [answer.json()[kind]]
        answer = self._api.ask(
            None,
            "identity",
            "GET",
            f"/{kind}s",
            params={"name": reference},
            allow=(400, 403),  # 400: nothing can have such a name
        )
        found: list[dict[str, Any]] = answer.json()[f"{kind}s"] if answer.ok else []
        return found

    def list_projects(self, domain_id: str | None = None) -> Sequence[Project]:
        """Return all projects, or those of one domain, each with its domain's name."""
        params = {} if domain_id is None else {"domain_id": domain_id}
        found = list(self._all("projects", params))
        if domain_id is not None:
            names = {domain_id: self.find_domain(domain_id).name}
        else:
            names = {domain["id"]: domain["name"] for domain in self._all("domains", {})}
        return [
            Project(p["id"], p["name"], p["domain_id"], names.get(p["domain_id"]), p["enabled"])
            for p in found
        ]

    def _all(self, kind: str, params: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Yield all projects or domains; raise Refused, rather than end early."""
        while True:
            answer = self._api.ask(None, "identity", "GET", f"/{kind}", params=params, allow=(403,))
            if answer.status_code == 403:
                raise Refused(
                    f"The credentials of {self._location.cloud!r} may not list Keystone's {kind}:"
                    " give them the admin role."
                )
            page = answer.json()
            yield from page[kind]
            if not page[kind] or not (page.get("truncated") or page["links"].get("next")):
                return
            if not page["links"].get("next"):
                raise Refused(
                    f"Keystone cuts its list of {kind} off after {len(page[kind])}: raise"
                    " list_limit in its configuration."
                )
            params = {**params, "marker": page[kind][-1]["id"], "limit": str(len(page[kind]))}

    def sees_all_accounts(self) -> bool:
        """Return whether the credentials hold the admin role, which hides no image from them."""
        return "admin" in self._api.access.role_names
