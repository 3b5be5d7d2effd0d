"""Images: captured, found by their marks, listed completely, deleted in their own project."""

import uuid

import pytest

from instance_images.drivers.provider import Provider
from instance_images.errors import CloudUnavailable
from instance_images.model.cloud import NO_CLAIMS, CloudImageStatus
from instance_images.testing.checks import check_image, images_by_id, is_count, refused
from instance_images.testing.cloud_bench import Capability, CloudBench
from instance_images.testing.scene import HOSTILE_NAME, Contract, Scene, require


class ImageContract(Contract):
    """What is captured is found again, what is stored is listed, what is deleted is gone."""

    # ------------------------------------------------------------------ captures

    def test_capture_answers_at_once_with_the_id_of_an_image_that_is_there(
        self, scene: Scene
    ) -> None:
        captured = scene.captured

        assert isinstance(captured.answered_id, str)
        assert {image.id for image in captured.looks} == {captured.answered_id}
        for image in captured.looks:
            check_image(image)

    def test_captured_image_belongs_to_the_project_and_is_marked_from_the_first_moment(
        self, scene: Scene
    ) -> None:
        for image in scene.captured.looks:
            assert image.owner_id == scene.home.id
            assert image.is_public is False
            assert image.claims.request_id == scene.captured.request_id
            assert image.claims.source_instance_id in (None, scene.captured.server_id)

    def test_captured_image_has_the_name_that_the_driver_foretells(
        self, scene: Scene, provider: Provider
    ) -> None:
        kept = provider.kept_name(HOSTILE_NAME)

        assert {image.name for image in scene.captured.looks} == {kept}
        assert provider.kept_name(kept) == kept
        assert provider.kept_name("web-1") == "web-1"

    def test_captured_image_comes_to_be_active_with_a_size(self, scene: Scene) -> None:
        image = scene.captured.image

        assert image.status is CloudImageStatus.ACTIVE
        assert is_count(image.size_bytes)
        assert image.size_bytes

    def test_captured_image_is_found_by_its_mark_in_its_own_project_alone(
        self, scene: Scene, provider: Provider
    ) -> None:
        captured = scene.captured

        [found] = provider.find_captured(scene.home.id, captured.request_id)

        check_image(found)
        assert found.id == captured.answered_id
        assert list(provider.find_captured(scene.stranger.id, captured.request_id)) == []
        assert list(provider.find_captured(scene.home.id, str(uuid.uuid4()))) == []

    @pytest.mark.parametrize("whose", ["nobody's", "another project's"])
    def test_only_an_instance_of_the_project_is_captured(
        self, scene: Scene, provider: Provider, whose: str
    ) -> None:
        mark = str(uuid.uuid4())
        server_id = str(uuid.uuid4()) if whose == "nobody's" else scene.theirs

        with refused():
            provider.request_capture(scene.home.id, server_id, "loot", mark)

        for project in (scene.home, scene.stranger):
            assert list(provider.find_captured(project.id, mark)) == []

    def test_capture_whose_answer_is_lost_is_not_asked_for_again(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.LOST_ANSWERS)
        mark = str(uuid.uuid4())
        project_id, server_id = scene.stranger.id, scene.theirs

        with bench.losing_answers(), pytest.raises(CloudUnavailable):
            provider.request_capture(project_id, server_id, "once", mark)

        [found] = scene.wait(lambda: provider.find_captured(project_id, mark), "the image")
        scene.until_active(found.id)
        made = [i for i in images_by_id(provider).values() if i.claims.request_id == mark]
        assert [image.id for image in made] == [found.id]

    # ------------------------------------------------------------------ reading

    def test_unknown_image_is_none(self, provider: Provider) -> None:
        assert provider.get_image(str(uuid.uuid4())) is None

    def test_image_that_others_made_is_told_as_it_is(
        self, scene: Scene, provider: Provider
    ) -> None:
        found = provider.get_image(scene.their_image)

        assert found is not None
        check_image(found)
        assert (found.id, found.name, found.owner_id) == (
            scene.their_image, "theirs", scene.stranger.id,
        )  # fmt: skip
        assert found.status is CloudImageStatus.ACTIVE
        assert found.size_bytes
        assert found.is_public is False
        assert found.claims == NO_CLAIMS

    def test_names_that_others_gave_are_told_as_they_are(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        names = {bench.put_image(scene.stranger.id, name): name for name in bench.foreign_names}
        listed = images_by_id(provider)

        for image_id, name in names.items():
            found = provider.get_image(image_id)
            assert found is not None
            assert found.name == listed[image_id].name == name

    def test_listing_holds_every_image_once_and_says_what_a_look_says(
        self, scene: Scene, provider: Provider
    ) -> None:
        expected = [scene.captured.answered_id, scene.their_image]

        listed = images_by_id(provider)

        for image in listed.values():
            check_image(image)
        for image_id in expected:
            assert listed.get(image_id) == provider.get_image(image_id)

    def test_listing_holds_images_that_ordinary_lists_leave_out(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.HIDING)
        image_id = bench.put_image(scene.stranger.id, "hidden")
        bench.hide(image_id)

        assert provider.get_image(image_id) is not None
        assert image_id in images_by_id(provider)

    def test_public_image_is_listed_as_public(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.PUBLISHING)
        assert images_by_id(provider)[scene.public_image].is_public is True

    def test_notification_of_something_else_tells_of_nothing(self, provider: Provider) -> None:
        for payload in ({}, {"id": str(uuid.uuid4())}, None, "text", [1]):
            assert provider.read_notification("no.such.event", payload) is None

    # ------------------------------------------------------------------ deletion

    def test_deleted_image_is_gone_at_once(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        image_id = bench.put_image(scene.home.id, "short-lived")

        assert provider.delete_image(scene.home.id, image_id) is True

        assert provider.get_image(image_id) is None
        assert image_id not in images_by_id(provider)
        assert provider.delete_image(scene.home.id, image_id) is False

    def test_deletion_of_what_is_not_there_says_so(self, scene: Scene, provider: Provider) -> None:
        assert provider.delete_image(scene.home.id, str(uuid.uuid4())) is False

    def test_image_of_another_project_is_not_deleted(
        self, scene: Scene, provider: Provider
    ) -> None:
        with refused():
            provider.delete_image(scene.home.id, scene.their_image)

        assert provider.get_image(scene.their_image) is not None

    def test_protected_image_is_not_deleted(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.PROTECTING)
        image_id = bench.put_image(scene.home.id, "guarded")
        bench.protect(image_id)

        with refused():
            provider.delete_image(scene.home.id, image_id)

        assert provider.get_image(image_id) is not None
        bench.unprotect(image_id)
        assert provider.delete_image(scene.home.id, image_id) is True
