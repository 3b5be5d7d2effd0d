"""What can be wrong with an OpenStack region and with our credentials there."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from instance_images.errors import CloudUnavailable, ConfigurationError, Refused
from instance_images.findings import Finding, Severity
from instance_images.instants import Clock
from instance_images.openstack_api import COMPUTE_MICROVERSION
from instance_images.openstack_part import OpenStackPart

# A Date header has whole seconds, and the answer takes a moment.
SKEW_SECONDS = 5

_NEEDED = {"identity": "/auth/projects", "compute": "/", "image": "/images?limit=1"}
# Not every cloud has them, and not every operator needs what they are for.
_OPTIONAL = {"network": "/", "block_storage": "/limits"}
_ANY_ANSWER = tuple(range(300, 500))


class OpenStackDoctor(OpenStackPart):
    """The driver's method that looks for what is wrong."""

    def examine(
        self, *, project_ids: Collection[str], max_images: int, clock: Clock
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
        for service, path in {**_NEEDED, **_OPTIONAL}.items():
            yield from self._service(service, path, clock)
        yield from self._roles(project_ids)
        yield from self._quota(max_images)

    def _service(self, service: str, path: str, clock: Clock) -> Iterator[Finding]:
        sent_at = clock()
        try:
            answer = self._api.ask(None, service, "GET", path, allow=_ANY_ANSWER)
        except ConfigurationError as error:
            if service in _NEEDED:
                yield self._finding(Severity.ERROR, str(error), "Correct the catalog of Keystone.")
            return
        except (CloudUnavailable, Refused) as error:
            yield self._finding(Severity.ERROR, str(error), "See to the service, or its endpoint.")
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
        missing = sorted(set(project_ids) - allowed)
        if missing:
            yield self._finding(
                Severity.ERROR,
                f"The credentials of {self._location.cloud!r} have no role on {len(missing)} of the"
                f" projects that own images ({', '.join(missing[:3])}"
                f"{', ...' if len(missing) > 3 else ''}), or these are gone: nothing can be"
                " captured, deployed or deleted for them.",
                "Give their user a role there, best inherited from the domain: 'openstack role add"
                " --user USER --domain DOMAIN --inherited admin'.",
            )

    def _quota(self, max_images: int) -> Iterator[Finding]:
        """Find a limit of Glance's own that is reached before ours; older ones do not tell."""
        body = self._api.read("image", "/info/usage") or {}
        limit = ((body.get("usage") or {}).get("image_count_total") or {}).get("limit")
        if limit is not None and 0 <= limit < max_images:
            yield self._finding(
                Severity.WARNING,
                f"Glance allows a project {limit} images (image_count_total), and this product"
                f" {max_images}: captures are refused by Glance first.",
                "Raise the limit in Keystone, or lower max_images.",
            )

    def _finding(self, severity: Severity, what: str, cure: str) -> Finding:
        return Finding("cloud", severity, self._location.name, what, cure)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
