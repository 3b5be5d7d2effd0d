"""What there is to deploy from: images of the provider, of the project, and shared ones."""

import uuid

from instance_images.drivers.provider import Provider
from instance_images.testing.checks import check_offered, refused
from instance_images.testing.cloud_bench import Capability, CloudBench
from instance_images.testing.scene import Contract, Scene, require


class OfferContract(Contract):
    """Only what can be deployed is offered."""

    def test_only_images_that_are_there_are_offered(self, scene: Scene, provider: Provider) -> None:
        image = scene.captured.image

        offered = provider.offered_images(scene.home.id, [str(uuid.uuid4()), image.id])

        assert [one.id for one in offered] == [image.id]
        check_offered(offered[0])
        assert (offered[0].name, offered[0].owner_id) == (image.name, image.owner_id)
        assert offered[0].size_bytes == image.size_bytes
        assert provider.offered_images(scene.home.id, []) == []

    def test_private_images_are_not_the_providers(self, scene: Scene, provider: Provider) -> None:
        private = {scene.their_image, scene.captured.image.id}

        offered = provider.list_os_images(scene.home.id)

        for image in offered:
            check_offered(image)
        assert not private & {image.id for image in offered}

    def test_public_images_are_the_providers_once_and_unless_hidden(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.PUBLISHING)
        public, hidden = scene.public_image, ""
        if Capability.HIDING in bench.capabilities:
            hidden = bench.put_image(scene.stranger.id, "old linux")
            bench.publish(hidden)
            bench.hide(hidden)

        ids = [image.id for image in provider.list_os_images(scene.home.id)]

        assert ids.count(public) == 1
        assert len(ids) == len(set(ids))
        assert hidden not in ids

    def test_image_is_shared_with_projects_and_sharing_it_again_changes_nothing(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.DOMAINS)
        image_id = bench.put_image(scene.home.id, "shared")
        before = provider.get_image(image_id)
        assert before is not None

        for _ in range(2):
            provider.share_image(image_id, [scene.stranger.id])
        provider.share_image(image_id, [])
        provider.share_image(image_id, [scene.home.id, scene.stranger.id])

        offered = provider.offered_images(scene.stranger.id, [image_id])
        assert [image.id for image in offered] == [image_id]
        after = provider.get_image(image_id)
        assert after is not None
        assert (after.owner_id, after.is_public, after.claims) == (
            scene.home.id, False, before.claims,
        )  # fmt: skip

    def test_image_that_is_not_there_is_not_shared(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.DOMAINS)
        with refused():
            provider.share_image(str(uuid.uuid4()), [scene.stranger.id])
