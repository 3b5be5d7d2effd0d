"""Instances that there are: found by id and by name, in their own project and in no other."""

import uuid

import pytest

from instance_images.drivers.provider import Provider
from instance_images.errors import NotFound
from instance_images.model.cloud import Flavor, ServerStatus
from instance_images.testing.checks import (
    check_server,
    is_count,
    is_disk_size,
    refused,
    refused_as_ambiguous,
)
from instance_images.testing.cloud_bench import Capability, CloudBench
from instance_images.testing.scene import STRANGE_REFERENCES, Contract, Scene, require


class ServerContract(Contract):
    """An instance is found by those whose it is."""

    def test_instance_is_found_by_its_id_and_by_its_name(
        self, scene: Scene, provider: Provider
    ) -> None:
        home = scene.home.id
        by_id = provider.find_server(home, scene.web)

        check_server(by_id, home)
        assert (by_id.id, by_id.name, by_id.status) == (scene.web, "web", ServerStatus.RUNNING)
        assert by_id.is_volume_backed is False
        assert by_id.fault is None
        assert is_disk_size(provider.disk_bytes(home, by_id))
        assert provider.find_server(home, "web").id == scene.web
        found = provider.get_server(home, scene.web)
        assert found is not None
        check_server(found, home)
        assert found.id == scene.web

    def test_name_that_several_instances_have_is_refused(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.SAME_NAMES)
        twins = [scene.twin, bench.new_server(scene.home.id, "twin")]

        with refused_as_ambiguous():
            provider.find_server(scene.home.id, "twin")
        for server_id in twins:
            assert provider.find_server(scene.home.id, server_id).id == server_id

    def test_instance_of_another_project_is_not_found(
        self, scene: Scene, provider: Provider
    ) -> None:
        for reference in (scene.theirs, "theirs"):
            with refused(NotFound):
                provider.find_server(scene.home.id, reference)
        assert provider.get_server(scene.home.id, scene.theirs) is None
        assert provider.find_server(scene.stranger.id, "theirs").id == scene.theirs

    @pytest.mark.parametrize("reference", STRANGE_REFERENCES, ids=ascii)
    def test_unknown_instance_is_not_found(
        self, scene: Scene, provider: Provider, reference: str
    ) -> None:
        assert scene.web  # a pattern would have something to match
        with refused(NotFound):
            provider.find_server(scene.home.id, reference)

    def test_unknown_instance_is_none(self, scene: Scene, provider: Provider) -> None:
        assert provider.get_server(scene.home.id, str(uuid.uuid4())) is None

    def test_instances_of_several_projects_are_found_at_once(
        self, scene: Scene, provider: Provider
    ) -> None:
        both = [scene.home.id, scene.stranger.id]

        for reference in (scene.theirs, "theirs"):
            found = provider.find_servers(both, reference)
            assert [server.id for server in found] == [scene.theirs]
            check_server(found[0], scene.stranger.id)
        assert provider.find_servers([scene.home.id], scene.theirs) == []
        assert provider.find_servers(both, "no such thing") == []
        assert provider.find_servers([], "web") == []

    def test_stopped_instance_is_told_as_stopped(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.STOPPING)
        bench.stop(scene.home.id, scene.twin)

        assert provider.find_server(scene.home.id, scene.twin).status is ServerStatus.STOPPED

    def test_shelved_instances_are_told_with_their_projects(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        unknown = str(uuid.uuid4())
        assert provider.shelved([]) == {}
        assert provider.shelved([scene.web, unknown]) == {}
        require(bench, Capability.SHELVING)
        server_id = bench.new_server(scene.stranger.id, "shelved")
        bench.shelve(scene.stranger.id, server_id)

        assert provider.shelved([server_id, scene.web, unknown]) == {server_id: scene.stranger.id}
        shelved = provider.find_server(scene.stranger.id, server_id)
        assert shelved.status is ServerStatus.SHELVED

    def test_whether_file_systems_are_frozen_is_yes_or_no(
        self, scene: Scene, provider: Provider
    ) -> None:
        server = provider.find_server(scene.home.id, scene.web)

        assert isinstance(provider.freezes_file_systems(scene.home.id, server), bool)

    def test_flavor_is_found_by_its_id_and_by_its_name(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        flavor = provider.find_flavor(scene.home.id, bench.flavor)

        assert isinstance(flavor, Flavor)
        assert is_count(flavor.ram_mib)
        assert is_count(flavor.disk_gib)
        assert provider.find_flavor(scene.home.id, flavor.id) == flavor
        assert provider.find_flavor(scene.home.id, flavor.name) == flavor

    @pytest.mark.parametrize("reference", STRANGE_REFERENCES, ids=ascii)
    def test_unknown_flavor_is_not_found(
        self, scene: Scene, provider: Provider, reference: str
    ) -> None:
        with refused(NotFound):
            provider.find_flavor(scene.home.id, reference)
