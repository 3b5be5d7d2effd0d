"""Drivers that break what the contract says of instances, old and new."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from instance_images.errors import CloudUnavailable, NotFound, Refused
from instance_images.model.cloud import (
    Flavor,
    Server,
    ServerRequest,
    ServerStatus,
)

from support.drivers.broken_drivers import found_by
from support.drivers.strict_memory_cloud import StrictMemoryProvider


@found_by("test_instance_of_another_project_is_not_found")
class ShowsAnothersInstances(StrictMemoryProvider):
    def get_server(self, project_id: str, server_id: str) -> Server | None:
        self._answer()
        found = self.world.instances.get(server_id)
        return found.server if found else None


@found_by("test_name_that_several_instances_have_is_refused")
class ChoosesOneOfSeveral(StrictMemoryProvider):
    def find_server(self, project_id: str, reference: str) -> Server:
        try:
            return super().find_server(project_id, reference)
        except NotFound:
            raise
        except Refused:
            servers = [i.server for i in self.world.instances.values()]
            return next(server for server in servers if server.name == reference)


@found_by("test_name_that_several_instances_have_is_refused")
class CallsSeveralNone(StrictMemoryProvider):
    def find_server(self, project_id: str, reference: str) -> Server:
        try:
            return super().find_server(project_id, reference)
        except Refused as error:
            raise NotFound("Instance", reference, "") from error


@found_by("test_unknown_instance_is_not_found")
class TakesAnEmptyNameForAny(StrictMemoryProvider):
    def find_server(self, project_id: str, reference: str) -> Server:
        return super().find_server(project_id, reference or "web")


@found_by("test_unknown_flavor_is_not_found")
class RaisesAKeyError(StrictMemoryProvider):
    def find_flavor(self, project_id: str, reference: str) -> Any:
        return {name: super(RaisesAKeyError, self).find_flavor("", name) for name in ["tiny"]}[
            reference
        ]


@found_by("test_shelved_instances_are_told_with_their_projects")
class ShelvesNothing(StrictMemoryProvider):
    def shelved(self, instance_ids: Collection[str]) -> Mapping[str, str]:
        return {}


@found_by("test_several_instances_are_one_request_and_numbered")
class MakesTheFirstOnly(StrictMemoryProvider):
    def request_server(self, project_id: str, request: ServerRequest) -> str:
        return super().request_server(project_id, replace(request, count=1))


@found_by("test_request_whose_answer_is_lost_is_not_sent_again")
class DeploysAgain(StrictMemoryProvider):
    def request_server(self, project_id: str, request: ServerRequest) -> str:
        try:
            return super().request_server(project_id, request)
        except CloudUnavailable:
            return super().request_server(project_id, request)


@found_by("test_one_instance_has_its_name_as_it_is_and_comes_to_run")
class FindsRequestsOfAll(StrictMemoryProvider):
    def find_requested_servers(
        self, project_id: str, request_id: str, since: datetime
    ) -> Sequence[Server]:
        self._answer()
        return [i.server for i in self.world.instances.values() if i.mark == request_id]


@found_by("test_what_the_project_has_not_is_refused_and_nothing_is_made")
class MakesBeforeItLooks(StrictMemoryProvider):
    def resolve_request(self, project_id: str, request: ServerRequest) -> ServerRequest:
        return request


@found_by("test_instance_is_found_by_its_id_and_by_its_name")
class CallsAllInstancesOther(StrictMemoryProvider):
    def find_server(self, project_id: str, reference: str) -> Server:
        return replace(super().find_server(project_id, reference), status=ServerStatus.OTHER)


@found_by("test_unknown_instance_is_none")
class RaisesForAnUnknownInstance(StrictMemoryProvider):
    def get_server(self, project_id: str, server_id: str) -> Server | None:
        return self.find_server(project_id, server_id)


@found_by("test_instances_of_several_projects_are_found_at_once")
class FindsInAllProjects(StrictMemoryProvider):
    def find_servers(self, project_ids: Collection[str], reference: str) -> list[Server]:
        return super().find_servers(list(self.world.projects), reference)


@found_by("test_stopped_instance_is_told_as_stopped")
class CallsAllInstancesRunning(StrictMemoryProvider):
    def find_server(self, project_id: str, reference: str) -> Server:
        return replace(super().find_server(project_id, reference), status=ServerStatus.RUNNING)


@found_by("test_whether_file_systems_are_frozen_is_yes_or_no")
class MayFreeze(StrictMemoryProvider):
    def freezes_file_systems(self, project_id: str, server: Server) -> Any:
        return None


@found_by("test_flavor_is_found_by_its_id_and_by_its_name")
class CountsMemoryInGibibytes(StrictMemoryProvider):
    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        return replace(super().find_flavor(project_id, reference), ram_mib=0.0625)  # type: ignore[arg-type]


@found_by("test_resolving_twice_is_resolving_once")
class ResolvesForEver(StrictMemoryProvider):
    def resolve_request(self, project_id: str, request: ServerRequest) -> ServerRequest:
        resolved = super().resolve_request(project_id, request)
        return replace(resolved, name=f"{resolved.name}-{project_id}")
