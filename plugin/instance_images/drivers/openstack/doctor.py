"""What can be wrong with an OpenStack region and with our credentials there."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from instance_images.config.settings import Location
from instance_images.drivers.openstack.api.microversions import COMPUTE_MICROVERSION
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.drivers.openstack.heat.doctor import StackExamination
from instance_images.drivers.openstack.heat.rights import StackCloud
from instance_images.drivers.openstack.service import Service
from instance_images.errors import CloudUnavailable, ConfigurationError, Refused
from instance_images.instants import Clock
from instance_images.model.findings import Finding, Severity

# A Date header has whole seconds, and the answer takes a moment.
SKEW_SECONDS = 5

_NEEDED = {"identity": "/auth/projects", "compute": "/", "image": "/images?limit=1"}
# Not every cloud has them, and not every operator needs what they are for.
_OPTIONAL = {"network": "/", "block_storage": "/limits"}
_IMAGE_COUNT = "image_count_total"
_SHOWN = 3  # projects in a finding
_LOOKED_AT = 100  # projects that are told, or looked up, one by one
_ANY_ANSWER = tuple(range(300, 500))


class Examination(Service):
    """The checks of one region."""

    def __init__(self, location: Location, api: OpenStackApi, stack_cloud: StackCloud) -> None:
        super().__init__(location, api)
        self._stack_cloud = stack_cloud

    def findings(
        self, project_ids: Collection[str], max_images: int, clock: Clock
    ) -> Iterator[Finding]:
        """Yield what is wrong with the credentials, the services, their clocks and limits."""
        roles = self._api.access.role_names  # without credentials there is nothing to look at
        if "admin" not in roles:
            yield self._finding(
                Severity.ERROR,
                f"The credentials of {self._location.cloud!r} do not have the admin role: they see"
                " one project's images only.",
                "Give their user the admin role, or use others.",
            )
        if not self._api.access.project_id:
            yield self._finding(
                Severity.ERROR,
                f"The credentials of {self._location.cloud!r} are for the system, for a domain or"
                " for nothing: Glance and Nova answer them with HTTP 403, or not at all.",
                "Name project_name and project_domain_name in clouds.yaml, in place of"
                " system_scope or domain_name.",
            )
            return
        if self._api.is_application_credential:
            yield self._finding(
                Severity.ERROR,
                f"The credentials of {self._location.cloud!r} are an application credential, which"
                f" is good for project {self._api.access.project_id} alone: metering works, and"
                " nothing can be captured, deployed or deleted for any other project.",
                "Name a user with a password in clouds.yaml, who has the admin role and a role on"
                " the projects of the customers.",
            )
        for service, path in {**_NEEDED, **_OPTIONAL}.items():
            yield from self._service(service, path, clock)
        if not self._api.is_application_credential:  # it asks for no other project's token
            yield from self._roles(project_ids)
        yield from self._quota(project_ids, max_images)
        yield from StackExamination(self._location, self._api, self._stack_cloud).findings(
            project_ids
        )

    def _service(self, service: str, path: str, clock: Clock) -> Iterator[Finding]:
        sent_at = clock()
        try:
            answer = self._api.ask(None, service, "GET", path, allow=_ANY_ANSWER)
        except ConfigurationError as error:
            if service in _NEEDED or self._api.offers(service):
                yield self._finding(Severity.ERROR, str(error), "Correct the catalog of Keystone.")
            return
        except (CloudUnavailable, Refused) as error:
            yield self._finding(Severity.ERROR, str(error), "Check the service and its endpoint.")
            return
        if service == "compute":
            yield from self._microversion(answer)
        yield from self._skew(service, answer, sent_at, clock())

    def _microversion(self, answer: Any) -> Iterator[Finding]:
        newest = (answer.json().get("version") or {}).get("version") if answer.ok else None
        if newest is None or _number(newest) < _number(COMPUTE_MICROVERSION):
            yield self._finding(
                Severity.ERROR,
                f"Nova speaks no microversion {COMPUTE_MICROVERSION} (its newest is {newest}).",
                "Upgrade Nova: that one is of the year 2017.",
            )

    def _skew(
        self, service: str, answer: Any, sent_at: datetime, received_at: datetime
    ) -> Iterator[Finding]:
        try:
            there = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
        except (KeyError, ValueError):
            return
        ahead_seconds = int((there - received_at).total_seconds())
        behind_seconds = int((sent_at - there).total_seconds())
        if max(ahead_seconds, behind_seconds) > SKEW_SECONDS:
            way = "ahead of" if ahead_seconds > 0 else "behind"
            yield self._finding(
                Severity.WARNING,
                f"The clock of {service} is {max(ahead_seconds, behind_seconds)} s {way} this"
                " machine's: images are billed by both.",
                "Synchronize the clocks of both machines (chrony, ntpd).",
            )

    def _roles(self, project_ids: Collection[str]) -> Iterator[Finding]:
        """Find projects that requests cannot be made for; Keystone lists those that they can."""
        body = self._api.read("identity", "/auth/projects")
        allowed = {project["id"] for project in (body or {}).get("projects", ())}
        closed = self._disabled() & {*project_ids}
        missing = sorted({*project_ids} - allowed - closed)
        for project_id in sorted(closed)[:_LOOKED_AT]:
            yield self._closed(project_id, "is disabled")
        gone = [id for id in missing[:_LOOKED_AT] if self._api.fault_of_project(id)]
        for project_id in gone:
            yield self._closed(project_id, "is not in Keystone any more")
        missing = sorted({*missing} - {*gone})
        if missing:
            yield self._finding(
                Severity.ERROR,
                f"The credentials of {self._location.cloud!r} have no role on {len(missing)} of the"
                f" projects that own images ({', '.join(missing[:_SHOWN])}"
                f"{', ...' if len(missing) > _SHOWN else ''}): nothing can be captured or deployed"
                " for them.",
                "Give their user a role there, best inherited from the domain: 'openstack role add"
                " --user USER --domain DOMAIN --inherited admin'.",
            )

    def _disabled(self) -> set[str]:
        """Return the projects that are disabled, as far as the credentials may see them."""
        params = {"enabled": "false"}
        answer = self._api.ask(None, "identity", "GET", "/projects", (403,), params=params)
        return {one["id"] for one in answer.json()["projects"]} if answer.ok else set()

    def _closed(self, project_id: str, fault: str) -> Finding:
        return self._finding(
            Severity.WARNING,
            f"Project {project_id} owns images on record and {fault}: nothing new is made for it,"
            " and its images are stored and billed until they are deleted.",
            "Enable it again, or delete its images: 'instance-images image list --account"
            f" {project_id}' shows them, 'instance-images image delete IMAGE --account"
            f" {project_id}' deletes one.",
        )

    def _quota(self, project_ids: Collection[str], max_images: int) -> Iterator[Finding]:
        """Find limits of Glance's own that are reached before ours, where it asks Keystone for any.

        Glance tells only of the project that asks; what it asks Keystone for, all can be read of.
        """
        body = self._api.read("image", "/info/usage") or {}  # older ones do not tell
        if _IMAGE_COUNT not in (body.get("usage") or {}):
            return
        registered = self._registered()
        if registered is None:
            return
        default = registered["default_limit"]
        if 0 <= default < max_images:
            yield self._finding(
                Severity.WARNING,
                f"Glance allows a project {default} images ({_IMAGE_COUNT}) where it has no limit"
                f" of its own, and this product {max_images}: captures are refused by Glance"
                " first.",
                "Raise the registered limit in Keystone, or lower max_images.",
            )
        limits = self._api.read("identity", "/limits", resource_name=_IMAGE_COUNT) or {}
        low = {
            limit["project_id"]: limit["resource_limit"]
            for limit in limits.get("limits", ())
            if limit["project_id"] in project_ids
            and all(limit[key] == registered[key] for key in ("service_id", "region_id"))
            and 0 <= limit["resource_limit"] < max_images
        }
        if low:
            shown = [f"{project_id}: {low[project_id]}" for project_id in sorted(low)]
            yield self._finding(
                Severity.WARNING,
                f"Glance allows {len(low)} of the projects that own images fewer of them"
                f" ({_IMAGE_COUNT}) than this product, which allows {max_images}"
                f" ({', '.join(shown[:_SHOWN])}{', ...' if len(shown) > _SHOWN else ''}): captures"
                " are refused by Glance first.",
                "Raise these projects' limits in Keystone, or set lower ones here with"
                " 'instance-images limit set'.",
            )

    def _registered(self) -> dict[str, Any] | None:
        """Return the limit that is registered for this region, or else for all regions."""
        body = self._api.read("identity", "/registered_limits", resource_name=_IMAGE_COUNT) or {}
        for region in (self._location.region_name, None):
            for limit in body.get("registered_limits", ()):
                if limit["region_id"] == region:
                    found: dict[str, Any] = limit
                    return found
        return None

    def _finding(self, severity: Severity, what: str, cure: str) -> Finding:
        return Finding("cloud", severity, self._location.name, what, cure)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
