"""Drivers that break what the contract says of volumes, scaling groups and outages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from instance_images.config.settings import Location
from instance_images.drivers.optional import ScalingPart, VolumePart
from instance_images.errors import CloudUnavailable, NotFound, Refused
from instance_images.model.cloud import (
    CapturePart,
    CloudImage,
    MarkedPart,
    PartKind,
    PartStatus,
    RootVolume,
    ServerRequest,
)
from instance_images.model.scaling import GroupRequest, Rollout, ScalingGroup

from support.drivers.broken_drivers import found_by
from support.drivers.memory_world import World
from support.drivers.strict_memory_cloud import StrictMemoryProvider


@found_by("test_outage_is_told_as_an_outage")
class EndsAListingEarly(StrictMemoryProvider):
    def list_images(self) -> Iterator[CloudImage]:
        try:
            yield from super().list_images()
        except CloudUnavailable:
            return


@found_by("test_outage_is_told_as_an_outage")
class TakesAnOutageForNothing(StrictMemoryProvider):
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        try:
            return super().get_image(cloud_image_id)
        except CloudUnavailable:
            return None


@found_by("test_outage_is_told_as_an_outage")
class RaisesItsOwnError(StrictMemoryProvider):
    def _answer(self) -> None:
        if self.world.is_down:
            raise ConnectionError("no route to host")


@found_by("test_part_for_volumes_is_complete_or_refuses")
class HasHalfOfAPart(StrictMemoryProvider):
    delete_part = VolumePart.delete_part


@found_by("test_part_that_is_gone_is_deleted_without_an_error")
class MissesGoneParts(StrictMemoryProvider):
    def delete_part(self, project_id: str, part: CapturePart, *, force: bool = False) -> None:
        if part.id not in self.world.parts:
            raise NotFound(part.kind, part.id, "")
        super().delete_part(project_id, part)


@found_by("test_parts_are_found_in_their_own_project_alone")
class FindsPartsOfAll(StrictMemoryProvider):
    def find_parts(self, project_id: str, kind: PartKind, request_id: str) -> Sequence[CapturePart]:
        self._answer()
        parts = self.world.parts.values()
        return [p.part for p in parts if p.part.kind is kind and p.mark == request_id]


@found_by("test_parts_are_found_in_their_own_project_alone")
class FindsAnyPartById(StrictMemoryProvider):
    def get_part(self, project_id: str, kind: PartKind, part_id: str) -> CapturePart | None:
        self._answer()
        return self.world.parts[part_id].part if part_id in self.world.parts else None


@found_by("test_part_tells_what_it_was_made_of_and_an_imitation_does_not")
class TakesAMarkForDescent(StrictMemoryProvider):
    def find_parts(self, project_id: str, kind: PartKind, request_id: str) -> Sequence[CapturePart]:
        found = super().find_parts(project_id, kind, request_id)
        sources = [part.source_id for part in found if part.source_id]
        return [replace(part, source_id=sources[0]) if sources else part for part in found]


@found_by("test_parts_are_found_by_their_ids_and_listed_for_all_projects")
class ListsNoParts(StrictMemoryProvider):
    def list_parts(self) -> Iterable[MarkedPart]:
        self._answer()
        return []


@found_by("test_only_a_volume_of_the_projects_instance_is_told")
class TellsAnothersVolume(StrictMemoryProvider):
    def find_root_volume(self, project_id: str, server_id: str) -> RootVolume:
        instance = self.world.instances.get(server_id)
        owner = instance.server.project_id if instance else project_id
        return super().find_root_volume(owner, server_id)


@found_by("test_image_of_a_volume_belongs_to_the_project_and_is_marked_from_the_first_moment")
class LabelsNothing(StrictMemoryProvider):
    def label_volume(self, project_id: str, volume_id: str, request_id: str) -> None:
        self._answer()

    def find_captured(self, project_id: str, request_id: str) -> list[CloudImage]:
        return super().find_captured(project_id, request_id) or list(self.images.values())[-1:]


@found_by("test_group_is_made_once_found_in_its_project_and_changed_on_request")
class ReplacesMembersUnasked(StrictMemoryProvider):
    def change_group_image(
        self, group: ScalingGroup, cloud_image_id: str, rollout: Rollout | None
    ) -> None:
        super().change_group_image(group, cloud_image_id, rollout or Rollout())


@found_by("test_group_is_made_once_found_in_its_project_and_changed_on_request")
class MakesASecondGroup(StrictMemoryProvider):
    def create_scaling_group(
        self, project_id: str, group: GroupRequest, server: ServerRequest
    ) -> str:
        taken = self.world.groups
        self.world.groups = {}
        try:
            return super().create_scaling_group(project_id, group, server)
        finally:
            self.world.groups |= taken


@found_by("test_driver_asks_for_nothing_before_its_first_use")
class ConnectsAtOnce(StrictMemoryProvider):
    def __init__(self, location: Location, world: World) -> None:
        super().__init__(location, world)
        self._answer()


@found_by("test_what_was_there_is_there_again_after_an_outage")
class NeverRecovers(StrictMemoryProvider):
    was_down = False

    def _answer(self) -> None:
        self.was_down = self.was_down or self.world.is_down
        if self.was_down:
            raise CloudUnavailable("The cloud in memory was switched off once.")


@found_by("test_outage_is_told_as_an_outage_by_what_not_every_driver_can")
class HasNoPartsInAnOutage(StrictMemoryProvider):
    def find_parts(self, project_id: str, kind: PartKind, request_id: str) -> Sequence[CapturePart]:
        if self.world.is_down:
            return []
        return super().find_parts(project_id, kind, request_id)


@found_by("test_nothing_is_left_of_a_capture_that_never_was")
class MakesUpParts(StrictMemoryProvider):
    def find_parts(self, project_id: str, kind: PartKind, request_id: str) -> Sequence[CapturePart]:
        self._answer()
        return [CapturePart(kind=kind, id="v", status=PartStatus.READY, word="available")]


@found_by("test_each_part_is_found_by_its_mark_until_it_is_deleted")
class ForgetsSnapshotsOfDeletedVolumes(StrictMemoryProvider):
    def request_volume(self, project_id: str, snapshot_id: str, request_id: str) -> str:
        del self.world.parts[snapshot_id]
        return super().request_volume(project_id, snapshot_id, request_id)


@found_by("test_instance_says_whether_its_disk_is_a_volume_and_which")
class MeasuresVolumesInBytes(StrictMemoryProvider):
    def find_root_volume(self, project_id: str, server_id: str) -> RootVolume:
        found = super().find_root_volume(project_id, server_id)
        return replace(found, size_gib=1.0)  # type: ignore[arg-type]


@found_by("test_image_of_a_volume_says_what_it_needs_and_how_large_its_disk_is")
class CompletesNothing(StrictMemoryProvider):
    def complete_image(
        self, project_id: str, cloud_image_id: str, request_id: str, minima: Mapping[str, int]
    ) -> None:
        self._answer()
        self._image(cloud_image_id)


@found_by("test_image_that_is_not_there_cannot_be_completed")
class CompletesWhatIsNotThere(StrictMemoryProvider):
    def complete_image(
        self, project_id: str, cloud_image_id: str, request_id: str, minima: Mapping[str, int]
    ) -> None:
        self._answer()
        if cloud_image_id in self.images:
            super().complete_image(project_id, cloud_image_id, request_id, minima)


@found_by("test_part_for_scaling_groups_is_complete_or_refuses")
class DeniesItsGroups(StrictMemoryProvider):
    offers_scaling_groups = ScalingPart.offers_scaling_groups


@found_by("test_image_that_no_stack_needs_is_needed_by_none")
class NeedsAllImages(StrictMemoryProvider):
    def stacks_using_image(self, project_id: str, cloud_image_id: str) -> Sequence[str]:
        self._answer()
        return ["workers"]


@found_by("test_unknown_group_is_not_found")
class RefusesUnknownGroups(StrictMemoryProvider):
    def find_scaling_group(
        self, project_id: str, reference: str, group: str | None = None
    ) -> ScalingGroup:
        try:
            return super().find_scaling_group(project_id, reference, group)
        except NotFound as error:
            raise Refused("That is no group.") from error


@found_by("test_group_with_an_image_that_is_not_there_is_refused_or_fails_with_a_reason")
class MakesGroupsOfNothing(StrictMemoryProvider):
    def create_scaling_group(
        self, project_id: str, group: GroupRequest, server: ServerRequest
    ) -> str:
        self.put(project_id, id=server.cloud_image_id)
        self.images[server.cloud_image_id] = list(self.images.values())[-1]
        return super().create_scaling_group(project_id, group, server)
