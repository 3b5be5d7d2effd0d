"""Primary disks that are volumes: captured part by part, with nothing left in the end."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from instance_images.drivers.optional import VolumePart
from instance_images.drivers.provider import Provider
from instance_images.errors import NotFound
from instance_images.model.cloud import (
    CapturePart,
    CloudImage,
    CloudImageStatus,
    MarkedPart,
    PartKind,
    PartStatus,
    RootVolume,
)
from instance_images.testing.checks import check_image, check_part, is_count, refused
from instance_images.testing.cloud_bench import Capability, CloudBench
from instance_images.testing.scene import HOSTILE_NAME, Contract, Scene, require

_GIB = 2**30


@dataclass(kw_only=True)
class VolumeCapture:
    """A capture that has gone all its steps, and what was seen at each of them."""

    request_id: str
    server_id: str
    root: RootVolume
    ids: dict[PartKind, str] = field(default_factory=dict)
    seen: dict[PartKind, list[CapturePart]] = field(default_factory=dict)
    elsewhere: list[CapturePart] = field(default_factory=list)
    by_id: list[CapturePart] = field(default_factory=list)
    imitations: list[CapturePart] = field(default_factory=list)
    listed: list[MarkedPart] = field(default_factory=list)
    answered_id: str = ""
    looks: list[CloudImage] = field(default_factory=list)
    completed: CloudImage | None = None
    left: list[CapturePart] = field(default_factory=list)


class VolumeContract(Contract):
    """A volume becomes an image as a disk does, in steps that can be found again."""

    def test_part_for_volumes_is_complete_or_refuses(
        self, bench: CloudBench, provider: Provider
    ) -> None:
        part = CapturePart(kind=PartKind.VOLUME, id="v", status=PartStatus.READY, word="")
        refusals: dict[str, Callable[[], Any]] = {
            "find_root_volume": lambda: provider.find_root_volume("p", "s"),
            "request_snapshot": lambda: provider.request_snapshot("p", "v", "r"),
            "request_volume": lambda: provider.request_volume("p", "s", "r"),
            "label_volume": lambda: provider.label_volume("p", "v", "r"),
            "request_upload": lambda: provider.request_upload("p", "v", "name", "raw"),
            "complete_image": lambda: provider.complete_image("p", "i", "r", {}),
            "delete_part": lambda: provider.delete_part("p", part),
        }

        check_part(bench, Capability.VOLUMES, VolumePart, refusals)

    @pytest.mark.parametrize("kind", PartKind)
    def test_nothing_is_left_of_a_capture_that_never_was(
        self, scene: Scene, provider: Provider, kind: PartKind
    ) -> None:
        assert list(provider.find_parts(scene.home.id, kind, str(uuid.uuid4()))) == []
        assert provider.get_part(scene.home.id, kind, str(uuid.uuid4())) is None

    @pytest.fixture
    def steps(self, bench: CloudBench, scene: Scene) -> VolumeCapture:
        """A capture of a volume with all its steps, each asked for as the product does."""
        require(bench, Capability.VOLUMES)
        made: VolumeCapture | None = scene.volume_capture
        if made is None:
            made = _capture_a_volume(bench, scene)
            scene.volume_capture = made
        return made

    def test_instance_says_whether_its_disk_is_a_volume_and_which(
        self, steps: VolumeCapture
    ) -> None:
        assert isinstance(steps.root, RootVolume)
        assert steps.root.id
        assert is_count(steps.root.size_gib)
        assert steps.root.size_gib
        assert isinstance(steps.root.is_encrypted, bool)
        assert is_count(steps.root.min_ram_mib)

    @pytest.mark.parametrize("kind", PartKind)
    def test_each_part_is_found_by_its_mark_until_it_is_deleted(
        self, steps: VolumeCapture, kind: PartKind
    ) -> None:
        assert {part.id for part in steps.seen[kind]} == {steps.ids[kind]}
        assert steps.seen[kind][-1].status is PartStatus.READY
        assert all(isinstance(part.word, str) for part in steps.seen[kind])
        assert steps.left == []

    def test_parts_are_found_in_their_own_project_alone(self, steps: VolumeCapture) -> None:
        assert steps.elsewhere == []

    def test_parts_are_found_by_their_ids_and_listed_for_all_projects(
        self, scene: Scene, steps: VolumeCapture
    ) -> None:
        own = set(steps.ids.values())

        assert {part.id for part in steps.by_id} == own
        assert own <= {one.part.id for one in steps.listed}
        assert {one.project_id for one in steps.listed} == {scene.home.id}

    def test_part_tells_what_it_was_made_of_and_an_imitation_does_not(
        self, steps: VolumeCapture
    ) -> None:
        snapshot_id = steps.ids[PartKind.SNAPSHOT]
        source_of = {part.id: part.source_id for part in steps.by_id}

        assert source_of == {snapshot_id: steps.root.id, steps.ids[PartKind.VOLUME]: snapshot_id}
        assert all(p.source_id not in (steps.root.id, snapshot_id) for p in steps.imitations)
        for part in (*steps.by_id, *steps.imitations):
            assert part.created_at is None or part.created_at.tzinfo is not None

    def test_image_of_a_volume_belongs_to_the_project_and_is_marked_from_the_first_moment(
        self, scene: Scene, provider: Provider, steps: VolumeCapture
    ) -> None:
        for image in steps.looks:
            check_image(image)
            assert image.id == steps.answered_id
            assert image.owner_id == scene.home.id
            assert image.is_public is False
            assert image.claims.request_id == steps.request_id
            assert image.name == provider.kept_name(HOSTILE_NAME)

    def test_image_of_a_volume_says_what_it_needs_and_how_large_its_disk_is(
        self, steps: VolumeCapture
    ) -> None:
        image = steps.completed

        assert image is not None
        assert image.status is CloudImageStatus.ACTIVE
        assert (image.min_disk_gib, image.min_ram_mib) == (steps.root.size_gib, 64)
        assert image.virtual_size_bytes in (None, steps.root.size_gib * _GIB)
        assert image.checksum, "the caller takes an image for whole only if its bytes were summed"

    @pytest.mark.parametrize("whose", ["nobody's", "another project's", "on an image's disk"])
    def test_only_a_volume_of_the_projects_instance_is_told(
        self, scene: Scene, provider: Provider, steps: VolumeCapture, whose: str
    ) -> None:
        asked = {
            "nobody's": (scene.home.id, str(uuid.uuid4())),
            "another project's": (scene.stranger.id, steps.server_id),
            "on an image's disk": (scene.home.id, scene.web),
        }

        with refused():
            provider.find_root_volume(*asked[whose])

    def test_image_that_is_not_there_cannot_be_completed(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.VOLUMES)
        minima = {"min_disk": 1, "min_ram": 0}
        with refused(NotFound):
            provider.complete_image(scene.home.id, str(uuid.uuid4()), str(uuid.uuid4()), minima)

    @pytest.mark.parametrize("kind", PartKind)
    def test_part_that_is_gone_is_deleted_without_an_error(
        self, bench: CloudBench, scene: Scene, provider: Provider, kind: PartKind
    ) -> None:
        require(bench, Capability.VOLUMES)
        gone = CapturePart(
            kind=kind, id=str(uuid.uuid4()), status=PartStatus.READY, word="available"
        )

        provider.delete_part(scene.home.id, gone)


def _capture_a_volume(bench: CloudBench, scene: Scene) -> VolumeCapture:
    provider, home = scene.provider, scene.home.id
    server = provider.find_server(home, bench.new_volume_server(home, "db"))
    assert server.is_volume_backed is True
    root = provider.find_root_volume(home, server.id)
    steps = VolumeCapture(request_id=str(uuid.uuid4()), server_id=server.id, root=root)
    mark = steps.request_id

    steps.ids[PartKind.SNAPSHOT] = provider.request_snapshot(home, steps.root.id, mark)
    _until_ready(scene, steps, PartKind.SNAPSHOT)
    snapshot_id = steps.ids[PartKind.SNAPSHOT]
    steps.ids[PartKind.VOLUME] = provider.request_volume(home, snapshot_id, mark)
    volume = _until_ready(scene, steps, PartKind.VOLUME)
    for kind, made_id in steps.ids.items():
        steps.elsewhere += provider.find_parts(scene.stranger.id, kind, mark)
        theirs = provider.get_part(scene.stranger.id, kind, made_id)
        ours = provider.get_part(home, kind, made_id)
        steps.elsewhere += [theirs] if theirs else []
        steps.by_id += [ours] if ours else []
    steps.listed = [one for one in provider.list_parts() if one.request_id == mark]
    imitation_id = bench.imitate_volume(home, volume.id)
    marked = provider.find_parts(home, PartKind.VOLUME, mark)
    steps.imitations = [part for part in marked if part.id == imitation_id]
    for _ in range(2):
        provider.label_volume(home, volume.id, mark)
    disk_format = bench.volume_image_format()
    steps.answered_id = provider.request_upload(home, volume.id, HOSTILE_NAME, disk_format)
    [found] = provider.find_captured(home, mark)
    assert found.id == steps.answered_id
    steps.looks = scene.until_active(steps.answered_id)
    for _ in range(2):
        minima = {"min_disk": steps.root.size_gib, "min_ram": 64}
        provider.complete_image(home, steps.answered_id, mark, minima)
    _delete_parts(scene, steps)
    steps.completed = provider.get_image(steps.answered_id)
    return steps


def _until_ready(scene: Scene, steps: VolumeCapture, kind: PartKind) -> CapturePart:
    """Return the part when nothing is done with it any more."""

    def look() -> CapturePart | None:
        found = _parts(scene, steps, kind)
        assert len(found) == 1, f"one {kind} was asked for, and {len(found)} bear the mark"
        steps.seen.setdefault(kind, []).extend(found)
        return found[0] if found[0].status is PartStatus.READY else None

    return scene.wait(look, f"{kind} {steps.ids[kind]} to be ready")


def _parts(scene: Scene, steps: VolumeCapture, kind: PartKind) -> list[CapturePart]:
    """Return what bears the mark, without what imitates it."""
    found = scene.provider.find_parts(scene.home.id, kind, steps.request_id)
    imitated = {part.id for part in steps.imitations}
    return [part for part in found if part.id not in imitated]


def _delete_parts(scene: Scene, steps: VolumeCapture) -> None:
    """Delete the volume, then the snapshot; each when it is ready, and again when it is gone."""
    for kind in (PartKind.VOLUME, PartKind.SNAPSHOT):
        part = _until_ready(scene, steps, kind)
        scene.provider.delete_part(scene.home.id, part)
        _until_gone(scene, steps, kind)
        scene.provider.delete_part(scene.home.id, part)
    for kind, made_id in steps.ids.items():
        left = scene.provider.get_part(scene.home.id, kind, made_id)
        steps.left += [*_parts(scene, steps, kind), *([left] if left else [])]


def _until_gone(scene: Scene, steps: VolumeCapture, kind: PartKind) -> None:
    scene.wait(lambda: not _parts(scene, steps, kind), f"{kind} {steps.ids[kind]} to be gone")
