"""New instances: resolved, made all or none, found again by their mark."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from instance_images.drivers.provider import Provider
from instance_images.errors import CloudUnavailable
from instance_images.instants import system_clock
from instance_images.model.cloud import Server, ServerStatus
from instance_images.testing.checks import check_server, refused
from instance_images.testing.cloud_bench import Capability, CloudBench
from instance_images.testing.scene import Contract, Scene, require

_MISSING: dict[str, dict[str, Any]] = {
    "network": {"networks": ("no-such-network",)},
    "key pair": {"key_name": "no-such-key"},
    "security group": {"security_groups": ("no-such-group",)},
    "server group": {"server_group": "no-such-server-group"},
    "availability zone": {"availability_zone": "no-such-zone"},
    "image": {"cloud_image_id": "00000000-0000-4000-8000-000000000000"},
}
_EARLIER = timedelta(minutes=10)  # clocks differ


class DeployContract(Contract):
    """What is asked for is made once, marked, in its project."""

    def test_one_instance_has_its_name_as_it_is_and_comes_to_run(
        self, scene: Scene, provider: Provider
    ) -> None:
        home, since = scene.home.id, system_clock() - _EARLIER
        request = provider.resolve_request(home, scene.order("heir"))

        server_id = provider.request_server(home, request)

        [found] = scene.wait(_all_running(scene, provider, request.request_id, 1), "instance heir")
        check_server(found, home)
        assert (found.id, found.name, found.is_volume_backed) == (server_id, "heir", False)
        assert provider.find_requested_servers(scene.stranger.id, request.request_id, since) == []
        assert provider.find_requested_servers(home, str(uuid.uuid4()), since) == []

    def test_several_instances_are_one_request_and_numbered(
        self, scene: Scene, provider: Provider
    ) -> None:
        home = scene.home.id
        request = provider.resolve_request(home, scene.order("crowd", count=2))

        server_id = provider.request_server(home, request)

        found = scene.wait(_all_running(scene, provider, request.request_id, 2), "two instances")
        assert [server.name for server in found] == ["crowd-1", "crowd-2"]
        assert found[0].id == server_id
        assert provider.find_server(home, "crowd-2").id == found[1].id

    def test_resolving_twice_is_resolving_once(self, scene: Scene, provider: Provider) -> None:
        request = scene.order("planned")

        once = provider.resolve_request(scene.home.id, request)

        assert provider.resolve_request(scene.home.id, once) == once
        assert once.request_id == request.request_id
        since = system_clock() - _EARLIER
        assert provider.find_requested_servers(scene.home.id, request.request_id, since) == []

    @pytest.mark.parametrize("kind", _MISSING)
    def test_what_the_project_has_not_is_refused_and_nothing_is_made(
        self, scene: Scene, provider: Provider, kind: str
    ) -> None:
        home, since = scene.home.id, system_clock() - _EARLIER
        request = replace(scene.order("nothing"), **_MISSING[kind])

        with refused():
            provider.request_server(home, provider.resolve_request(home, request))

        assert provider.find_requested_servers(home, request.request_id, since) == []

    def test_request_whose_answer_is_lost_is_not_sent_again(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.LOST_ANSWERS)
        home = scene.home.id
        request = provider.resolve_request(home, scene.order("once"))

        with bench.losing_answers(), pytest.raises(CloudUnavailable):
            provider.request_server(home, request)

        found = scene.wait(_all_running(scene, provider, request.request_id, 1), "the instance")
        assert [server.name for server in found] == ["once"]


def _all_running(
    scene: Scene, provider: Provider, request_id: str, count: int
) -> Callable[[], list[Server]]:
    """Return a look that sees the instances of a request when all of them run."""
    since = system_clock() - _EARLIER

    def look() -> list[Server]:
        found = list(provider.find_requested_servers(scene.home.id, request_id, since))
        assert len(found) <= count, "the request has made more than was asked for"
        assert all(server.status is not ServerStatus.FAILED for server in found), found
        running = [server for server in found if server.status is ServerStatus.RUNNING]
        return found if len(running) == count else []

    return look
