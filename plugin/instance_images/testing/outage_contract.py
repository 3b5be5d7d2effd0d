"""Services that do not answer: one kind of error for all of them, and none before the first use."""

from collections.abc import Callable
from typing import Any

import pytest

from instance_images.drivers.provider import Provider
from instance_images.errors import CloudUnavailable
from instance_images.instants import system_clock
from instance_images.model.cloud import CapturePart, PartKind, PartStatus
from instance_images.testing.cloud_bench import Capability, CloudBench
from instance_images.testing.scene import Contract, Scene, require

Call = Callable[[Provider, Scene], Any]

_CALLS: dict[str, Call] = {
    "find_project": lambda p, s: p.find_project(s.home.id),
    "find_server": lambda p, s: p.find_server(s.home.id, "web"),
    "find_servers": lambda p, s: p.find_servers([s.home.id, s.stranger.id], "web"),
    "get_server": lambda p, s: p.get_server(s.home.id, s.web),
    "find_flavor": lambda p, s: p.find_flavor(s.home.id, s.bench.flavor),
    "request_capture": lambda p, s: p.request_capture(s.home.id, s.web, "lost", "lost"),
    "find_captured": lambda p, s: p.find_captured(s.home.id, s.captured.request_id),
    "get_image": lambda p, s: p.get_image(s.their_image),
    "list_images": lambda p, s: list(p.list_images()),
    "offered_images": lambda p, s: p.offered_images(s.home.id, [s.captured.image.id]),
    "delete_image": lambda p, s: p.delete_image(s.stranger.id, s.their_image),
    "find_requested_servers": lambda p, s: p.find_requested_servers(
        s.home.id, "lost", system_clock()
    ),
}
_PART = CapturePart(
    kind=PartKind.VOLUME,
    id="00000000-0000-4000-8000-000000000000",
    status=PartStatus.READY,
    word="",
)
_CALLS_OF: dict[Capability, dict[str, Call]] = {
    Capability.DOMAINS: {
        "find_domain": lambda p, s: p.find_domain("no such domain"),
        "list_projects": lambda p, s: list(p.list_projects()),
        "share_image": lambda p, s: p.share_image(s.captured.image.id, [s.stranger.id]),
    },
    Capability.SHELVING: {"shelved": lambda p, s: p.shelved([s.web])},
    Capability.PUBLISHING: {"list_os_images": lambda p, s: list(p.list_os_images(s.home.id))},
    Capability.VOLUMES: {
        "find_root_volume": lambda p, s: p.find_root_volume(s.home.id, s.web),
        "request_snapshot": lambda p, s: p.request_snapshot(s.home.id, _PART.id, "lost"),
        "request_volume": lambda p, s: p.request_volume(s.home.id, _PART.id, "lost"),
        "label_volume": lambda p, s: p.label_volume(s.home.id, _PART.id, "lost"),
        "request_upload": lambda p, s: p.request_upload(s.home.id, _PART.id, "lost", "raw"),
        "complete_image": lambda p, s: p.complete_image(s.home.id, s.captured.image.id, "lost", {}),
        "get_part": lambda p, s: p.get_part(s.home.id, PartKind.VOLUME, _PART.id),
        "find_parts": lambda p, s: list(p.find_parts(s.home.id, PartKind.VOLUME, "lost")),
        "list_parts": lambda p, s: list(p.list_parts()),
        "delete_part": lambda p, s: p.delete_part(s.home.id, _PART),
    },
    Capability.SCALING_GROUPS: {
        "list_scaling_groups": lambda p, s: list(p.list_scaling_groups(s.home.id)),
        "find_scaling_group": lambda p, s: p.find_scaling_group(s.home.id, "workers"),
        "stacks_using_image": lambda p, s: list(p.stacks_using_image(s.home.id, s.their_image)),
    },
}
_OPTIONAL = [(capability, name) for capability, calls in _CALLS_OF.items() for name in calls]


class OutageContract(Contract):
    """Nobody takes a cloud that does not answer for one that is empty."""

    @pytest.fixture
    def outage_scene(self, bench: CloudBench, scene: Scene) -> Scene:
        """The scene, with all that the calls name made before the outage."""
        require(bench, Capability.OUTAGES)
        assert scene.web
        assert scene.theirs
        assert scene.their_image
        assert scene.captured
        return scene

    @pytest.mark.parametrize("method", _CALLS)
    def test_outage_is_told_as_an_outage(
        self, bench: CloudBench, outage_scene: Scene, provider: Provider, method: str
    ) -> None:
        self._require_told(bench, outage_scene, provider, _CALLS[method])

    @pytest.mark.parametrize(("capability", "method"), _OPTIONAL, ids=[m for _, m in _OPTIONAL])
    def test_outage_is_told_as_an_outage_by_what_not_every_driver_can(
        self,
        bench: CloudBench,
        outage_scene: Scene,
        provider: Provider,
        capability: Capability,
        method: str,
    ) -> None:
        require(bench, capability)
        self._require_told(bench, outage_scene, provider, _CALLS_OF[capability][method])

    def _require_told(
        self, bench: CloudBench, scene: Scene, provider: Provider, call: Call
    ) -> None:
        with bench.unreachable(), pytest.raises(CloudUnavailable) as caught:
            call(provider, scene)
        assert str(caught.value).strip()

    def test_what_was_there_is_there_again_after_an_outage(
        self, bench: CloudBench, outage_scene: Scene, provider: Provider
    ) -> None:
        scene = outage_scene
        with bench.unreachable(), pytest.raises(CloudUnavailable):
            provider.get_image(scene.their_image)

        assert provider.get_image(scene.their_image) is not None
        assert provider.get_server(scene.home.id, scene.web) is not None
        assert provider.find_project(scene.home.id).id == scene.home.id

    def test_driver_asks_for_nothing_before_its_first_use(
        self, bench: CloudBench, outage_scene: Scene
    ) -> None:
        with bench.unreachable():
            provider = bench.new_provider()
            with pytest.raises(CloudUnavailable):
                provider.get_image(outage_scene.their_image)

        assert provider.get_image(outage_scene.their_image) is not None
