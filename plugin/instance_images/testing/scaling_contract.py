"""Scaling groups: made once, found in their project, changed for new instances or for all."""

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

from instance_images.drivers.optional import ScalingPart
from instance_images.drivers.provider import Provider
from instance_images.errors import NotFound, WrongState
from instance_images.model.scaling import GroupRequest, GroupStatus, Rollout, ScalingGroup
from instance_images.testing.checks import check_part, refused, refused_as_ambiguous
from instance_images.testing.cloud_bench import Capability, CloudBench
from instance_images.testing.scene import STRANGE_REFERENCES, Contract, Scene, require


class ScalingContract(Contract):
    """A group is what was asked for, and its members are left alone unless told otherwise."""

    def test_part_for_scaling_groups_is_complete_or_refuses(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        request, order = GroupRequest("g", 0, 1, 0, 0), scene.order("g")
        group = ScalingGroup(
            id="g",
            name="g",
            project_id="p",
            group="g",
            status=GroupStatus.READY,
            reason="",
            cloud_image_id=None,
            flavor=None,
            min_size=0,
            max_size=1,
            desired_size=0,
            size=0,
            keeps_members=True,
            fault=None,
        )
        refusals: dict[str, Callable[[], Any]] = {
            "list_scaling_groups": lambda: provider.list_scaling_groups("p"),
            "find_scaling_group": lambda: provider.find_scaling_group("p", "g"),
            "require_group_rights": lambda: provider.require_group_rights("p"),
            "resolve_group_request": lambda: provider.resolve_group_request("p", order),
            "create_scaling_group": lambda: provider.create_scaling_group("p", request, order),
            "change_group_image": lambda: provider.change_group_image(group, "i", None),
        }

        check_part(bench, Capability.SCALING_GROUPS, ScalingPart, refusals)
        claimed = Capability.SCALING_GROUPS in bench.capabilities
        assert provider.offers_scaling_groups() is claimed

    def test_image_that_no_stack_needs_is_needed_by_none(
        self, scene: Scene, provider: Provider
    ) -> None:
        assert list(provider.stacks_using_image(scene.home.id, scene.their_image)) == []

    def test_unknown_group_is_not_found(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.SCALING_GROUPS)
        for reference in STRANGE_REFERENCES:
            with refused(NotFound):
                provider.find_scaling_group(scene.home.id, reference)

    def test_group_is_made_once_found_in_its_project_and_changed_on_request(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.SCALING_GROUPS)
        home, first = scene.home.id, scene.captured.image.id
        request = GroupRequest("workers", 0, 3, 1, 0)
        provider.require_group_rights(home)
        order = provider.resolve_group_request(home, scene.order("workers"))
        group_id = provider.create_scaling_group(home, request, order)
        made = _until_ready(scene, group_id)
        _check_made(made, scene, group_id)

        # A repeated request makes no second group.
        with refused_as_ambiguous():
            provider.create_scaling_group(home, request, order)
        listed = provider.list_scaling_groups(home)
        assert [(one.id, one.name, one.size) for one in listed] == [(group_id, "workers", 1)]
        assert list(listed[0].members) == []

        # It is found by its name, and by nobody else.
        assert provider.find_scaling_group(home, "workers") == made
        assert provider.list_scaling_groups(scene.stranger.id) == []
        for reference in (group_id, "workers"):
            with refused(NotFound):
                provider.find_scaling_group(scene.stranger.id, reference)
        assert list(provider.stacks_using_image(home, first)) == ["workers"]
        assert list(provider.stacks_using_image(scene.stranger.id, first)) == []

        # Another image is for new instances; its member stays as it is. A second request for the
        # same, from another process, finds the group busy or changes nothing.
        second = bench.put_image(home, "another")
        provider.change_group_image(made, second, None)
        with contextlib.suppress(WrongState):
            provider.change_group_image(made, second, None)
        changed = _until_ready(scene, group_id)
        assert changed.cloud_image_id == second
        assert changed.members == made.members
        assert changed.size == made.size

        # Until replacement is asked for.
        provider.change_group_image(changed, second, Rollout(batch_size=1))
        replaced = _until_ready(scene, group_id)
        assert [member.cloud_image_id for member in replaced.members] == [second]
        assert replaced.members[0].server_id != made.members[0].server_id

    def test_group_with_an_image_that_is_not_there_is_refused_or_fails_with_a_reason(
        self, bench: CloudBench, scene: Scene, provider: Provider
    ) -> None:
        require(bench, Capability.SCALING_GROUPS)
        order = scene.order("broken", image_id=str(uuid.uuid4()))
        with refused():
            group_id = provider.create_scaling_group(
                scene.home.id, GroupRequest("broken", 0, 1, 1, 0), order
            )
            failed = _until_ready(scene, group_id, GroupStatus.FAILED)
            raise NotFound("Image", order.cloud_image_id, failed.reason)


def _check_made(made: ScalingGroup, scene: Scene, group_id: str) -> None:
    assert (made.id, made.name, made.project_id) == (group_id, "workers", scene.home.id)
    assert made.group
    assert made.cloud_image_id == scene.captured.image.id
    assert (made.min_size, made.max_size, made.size) == (0, 3, 1)
    assert made.desired_size in (None, 1)
    assert made.fault is None
    [member] = made.members
    assert member.cloud_image_id == scene.captured.image.id
    assert scene.provider.find_server(scene.home.id, member.server_id).name == member.name


def _until_ready(
    scene: Scene, group_id: str, status: GroupStatus = GroupStatus.READY
) -> ScalingGroup:
    """Return the group when nothing changes it any more; it must be well then."""

    def look() -> ScalingGroup | None:
        group = scene.provider.find_scaling_group(scene.home.id, group_id)
        assert isinstance(group, ScalingGroup)
        return group if group.status is not GroupStatus.CHANGING else None

    group = scene.wait(look, f"scaling group {group_id}")
    assert group.status is status, group.reason
    return group
