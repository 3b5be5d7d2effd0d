"""Drivers that break their contract, one rule each, and the test of the suite that finds it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from instance_images.cloud_objects import (
    CapturePart,
    CloudImage,
    CloudImageStatus,
    OfferedImage,
    Project,
    RootVolume,
    Server,
    ServerRequest,
)
from instance_images.config import Location
from instance_images.errors import CloudUnavailable, NotFound, Refused
from instance_images.provider_parts import VolumePart
from instance_images.scaling import GroupRequest, Rollout, ScalingGroup
from memory_world import World
from strict_memory_cloud import StrictMemoryProvider

BROKEN: dict[type[StrictMemoryProvider], str] = {}  # and the test that finds it


def found_by(test: str) -> Any:
    """Register a broken driver with the test that finds it."""

    def register(driver: type[StrictMemoryProvider]) -> type[StrictMemoryProvider]:
        BROKEN[driver] = test
        return driver

    return register


@found_by("test_captured_image_is_found_by_its_mark_in_its_own_project_alone")
class FindsAnothersCapture(StrictMemoryProvider):
    def find_captured(self, project_id: str, request_id: str) -> CloudImage | None:
        self._answer()
        marked = [id for id, mark in self.marks.items() if mark == request_id and id in self.images]
        return self.images[marked[0]] if marked else None


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


@found_by("test_listing_holds_every_image_once_and_says_what_a_look_says")
class ListsOneTwice(StrictMemoryProvider):
    def list_images(self) -> Iterator[CloudImage]:
        listed = list(super().list_images())
        yield from [*listed, listed[0]]


@found_by("test_listing_holds_every_image_once_and_says_what_a_look_says")
class LeavesForeignImagesOut(StrictMemoryProvider):
    def list_images(self) -> Iterator[CloudImage]:
        return (image for image in super().list_images() if image.id in self.marks)


@found_by("test_listing_holds_images_that_ordinary_lists_leave_out")
class LeavesHiddenImagesOut(StrictMemoryProvider):
    def list_images(self) -> Iterator[CloudImage]:
        return (image for image in super().list_images() if image.id not in self.world.hidden)


@found_by("test_public_image_is_listed_as_public")
class SaysNoImageIsPublic(StrictMemoryProvider):
    def list_images(self) -> Iterator[CloudImage]:
        return (replace(image, is_public=False) for image in super().list_images())


@found_by("test_image_that_others_made_is_told_as_it_is")
class TellsNaiveInstants(StrictMemoryProvider):
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        found = super().get_image(cloud_image_id)
        return found and replace(found, changed_at=found.changed_at.replace(tzinfo=None))


@found_by("test_image_that_others_made_is_told_as_it_is")
class TellsSizesAsText(StrictMemoryProvider):
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        found = super().get_image(cloud_image_id)
        return found and replace(found, size_bytes=str(found.size_bytes))  # type: ignore[arg-type]


@found_by("test_capture_answers_at_once_with_the_id_of_an_image_that_is_there")
class KnowsSizesBeforeThereAreBytes(StrictMemoryProvider):
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        found = super().get_image(cloud_image_id)
        return found and replace(found, size_bytes=found.size_bytes or 0)


@found_by("test_unknown_image_is_none")
class RaisesForAnUnknownImage(StrictMemoryProvider):
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        return self._image(cloud_image_id)


@found_by("test_deleted_image_is_gone_at_once")
class ShowsDeletedImages(StrictMemoryProvider):
    def __init__(self, location: Location, world: World) -> None:
        super().__init__(location, world)
        self.gone: dict[str, CloudImage] = {}

    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        image = self.images.get(cloud_image_id)
        if image is not None:
            self.gone[image.id] = replace(image, status=CloudImageStatus.LOST)
        return super().delete_image(project_id, cloud_image_id)

    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        return super().get_image(cloud_image_id) or self.gone.get(cloud_image_id)


@found_by("test_deletion_of_what_is_not_there_says_so")
class DeletesWhatIsNotThere(StrictMemoryProvider):
    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        super().delete_image(project_id, cloud_image_id)
        return True


@found_by("test_image_of_another_project_is_not_deleted")
class DeletesAnothersImages(StrictMemoryProvider):
    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        owner = self.images[cloud_image_id].owner_id if cloud_image_id in self.images else ""
        return super().delete_image(owner, cloud_image_id)


@found_by("test_protected_image_is_not_deleted")
class DeletesProtectedImages(StrictMemoryProvider):
    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        self.world.protected.clear()
        return super().delete_image(project_id, cloud_image_id)


@found_by("test_only_an_instance_of_the_project_is_captured")
class CapturesAnothersInstances(StrictMemoryProvider):
    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        self._answer()
        return self._begin(project_id, name, request_id, server_id)


@found_by("test_capture_whose_answer_is_lost_is_not_asked_for_again")
class CapturesAgain(StrictMemoryProvider):
    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        try:
            return super().request_capture(project_id, server_id, name, request_id)
        except CloudUnavailable:
            return super().request_capture(project_id, server_id, name, request_id)


@found_by("test_captured_image_belongs_to_the_project_and_is_marked_from_the_first_moment")
class MarksItsImagesLate(StrictMemoryProvider):
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        found = super().get_image(cloud_image_id)
        if found and found.status is not CloudImageStatus.ACTIVE:
            return replace(found, claims=replace(found.claims, request_id=None))
        return found


@found_by("test_captured_image_has_the_name_that_the_driver_foretells")
class ShortensNames(StrictMemoryProvider):
    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        return super().request_capture(project_id, server_id, name[:64], request_id)


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


@found_by("test_unknown_project_is_not_found")
class RefusesWithoutAReason(StrictMemoryProvider):
    def find_project(self, reference: str | None) -> Project:
        try:
            return super().find_project(reference)
        except NotFound as error:
            error.args = ("",)
            raise


@found_by("test_only_images_that_are_there_are_offered")
class OffersWhatIsNotThere(StrictMemoryProvider):
    def offered_images(
        self, project_id: str, cloud_image_ids: Sequence[str]
    ) -> Sequence[OfferedImage]:
        self._answer()
        return [OfferedImage(id, "", project_id, 0, 0, 0) for id in cloud_image_ids]


@found_by("test_image_is_shared_with_projects_and_sharing_it_again_changes_nothing")
class SharesOnce(StrictMemoryProvider):
    def share_image(self, cloud_image_id: str, project_ids: Collection[str]) -> None:
        if self.world.members.get(cloud_image_id):
            raise Refused("It is shared already.")
        super().share_image(cloud_image_id, project_ids)


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


@found_by("test_part_for_volumes_is_complete_or_refuses")
class HasHalfOfAPart(StrictMemoryProvider):
    delete_part = VolumePart.delete_part


@found_by("test_part_that_is_gone_is_deleted_without_an_error")
class MissesGoneParts(StrictMemoryProvider):
    def delete_part(self, project_id: str, part: CapturePart) -> None:
        if part.id not in self.world.parts:
            raise NotFound(part.kind, part.id, "")
        super().delete_part(project_id, part)


@found_by("test_parts_are_found_in_their_own_project_alone")
class FindsPartsOfAll(StrictMemoryProvider):
    def find_parts(self, project_id: str, request_id: str) -> Sequence[CapturePart]:
        self._answer()
        return [part.part for part in self.world.parts.values() if part.mark == request_id]


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

    def find_captured(self, project_id: str, request_id: str) -> CloudImage | None:
        return super().find_captured(project_id, request_id) or list(self.images.values())[-1]


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


@found_by("test_limit_and_quota_of_an_account_are_told_or_not_known")
class AllowsHalfAnImage(StrictMemoryProvider):
    def account_limit(self, account: Any) -> Any:
        return 2.5
