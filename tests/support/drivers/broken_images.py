"""Drivers that break what the contract says of images."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from instance_images.config.settings import Location
from instance_images.errors import CloudUnavailable, Refused
from instance_images.model.cloud import (
    CloudImage,
    CloudImageStatus,
    OfferedImage,
)
from instance_images.names import printable

from support.drivers.broken_drivers import found_by
from support.drivers.memory_world import World
from support.drivers.strict_memory_cloud import StrictMemoryProvider


@found_by("test_captured_image_is_found_by_its_mark_in_its_own_project_alone")
class FindsAnothersCapture(StrictMemoryProvider):
    def find_captured(self, project_id: str, request_id: str) -> list[CloudImage]:
        self._answer()
        marked = [id for id, mark in self.marks.items() if mark == request_id and id in self.images]
        return [self.images[id] for id in marked]


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


@found_by("test_only_images_that_are_there_are_offered")
class OffersWhatIsNotThere(StrictMemoryProvider):
    def offered_images(
        self, project_id: str, cloud_image_ids: Sequence[str]
    ) -> Sequence[OfferedImage]:
        self._answer()
        return [
            OfferedImage(
                id=id, name="", owner_id=project_id, size_bytes=0, min_disk_gib=0, min_ram_mib=0
            )
            for id in cloud_image_ids
        ]


@found_by("test_image_is_shared_with_projects_and_sharing_it_again_changes_nothing")
class SharesOnce(StrictMemoryProvider):
    def share_image(self, cloud_image_id: str, project_ids: Collection[str]) -> None:
        if self.world.members.get(cloud_image_id):
            raise Refused("It is shared already.")
        super().share_image(cloud_image_id, project_ids)


@found_by("test_captured_image_comes_to_be_active_with_a_size")
class NeverEndsACapture(StrictMemoryProvider):
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        found = super().get_image(cloud_image_id)
        saving = CloudImageStatus.SAVING
        return found and replace(found, status=saving, size_bytes=None)


@found_by("test_names_that_others_gave_are_told_as_they_are")
class CleansNames(StrictMemoryProvider):
    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        found = super().get_image(cloud_image_id)
        return found and replace(found, name=printable(found.name))


@found_by("test_image_that_is_not_there_is_not_shared")
class SharesWhatIsNotThere(StrictMemoryProvider):
    def share_image(self, cloud_image_id: str, project_ids: Collection[str]) -> None:
        self._answer()


@found_by("test_private_images_are_not_the_providers")
class OffersPrivateImages(StrictMemoryProvider):
    def list_os_images(self, project_id: str) -> Sequence[OfferedImage]:
        return self.offered_images(project_id, list(self.images))


@found_by("test_public_images_are_the_providers_once_and_unless_hidden")
class OffersHiddenImages(StrictMemoryProvider):
    def list_os_images(self, project_id: str) -> Sequence[OfferedImage]:
        public = [image.id for image in self.images.values() if image.is_public]
        return self.offered_images(project_id, public)


@found_by("test_notification_of_something_else_tells_of_nothing")
class ReadsAnyNotification(StrictMemoryProvider):
    def read_notification(self, event_type: str, payload: Any) -> Any:
        return payload["id"]
