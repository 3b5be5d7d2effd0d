"""Scaling groups on real Heat: new instances get the chosen image, current ones only on request."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.clouds.embedded_cloud import EmbeddedCloud, wait_for
from support.worlds.scaling_world import ScalingProject, images_of, opened, template

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def scaling(
    embedded_cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScalingProject]:
    project = embedded_cloud.new_project()
    embedded_cloud.boot(project, "web-1")
    with opened(
        embedded_cloud, tmp_path_factory.mktemp("scaling"), project, project.name
    ) as scaling:
        scaling.golden, scaling.silver = (
            scaling.capture("golden"),
            scaling.capture("silver"),
        )
        yield scaling


@pytest.fixture(scope="module")
def empty(scaling: ScalingProject) -> str:
    """The customer's own stack whose group has no instance; its parameter is ``picture``."""
    body = template(0, {"get_param": "picture"}, {"picture": {"type": "string"}})
    scaling.stack("empty", body, picture=scaling.golden["cloud_image_id"])
    return "empty"


def test_image_of_a_group_is_for_new_instances_until_replacement_is_asked_for(
    scaling: ScalingProject,
) -> None:
    golden, silver = (
        scaling.golden["cloud_image_id"],
        scaling.silver["cloud_image_id"],
    )
    made = scaling.group(
        "create", "web", "--image", "golden", "--flavor", "m1.tiny", "--network", "none",
        "--max", "4", "--desired", "2", "--cooldown", "0", "--wait",
    )  # fmt: skip
    first = images_of(made)
    assert list(first.values()) == [golden, golden]
    assert (made["status"], made["size"], made["keeps_members"]) == ("ready", 2, True)

    # The image is changed for new instances only.
    changed = scaling.group("set-image", "web", "silver", "--wait")
    assert changed["cloud_image_id"] == silver
    assert images_of(changed) == first

    # While the group scales, its stack is left alone; the new instance has the new image.
    scaling.heat("POST", f"/stacks/web/{made['id']}/resources/scale_up/signal")
    scaling.refused(3, "is scaling: try again", "set-image", "web", "golden")
    wait_for(lambda: scaling.group("show", "web")["status"] == "ready", "the group to scale")
    scaled = images_of(scaling.group("show", "web"))
    [new] = set(scaled) - set(first)
    assert scaled == {**first, new: silver}

    # The images of all instances are needed, not only that of new ones.
    for name in ("golden", "silver"):
        scaling.cli.refused(
            3, "is used by 1 stack, which could not create or keep instances without it: web",
            "image", "delete", name, *scaling.account, "--yes",
        )  # fmt: skip

    # On request the others are replaced, and the group stays as large as it is.
    replaced = scaling.group(
        "set-image", "web", "silver", "--replace", "--batch-size", "2", "--wait"
    )
    assert list(images_of(replaced).values()) == [silver] * 3
    assert new in images_of(replaced)
    assert set(first).isdisjoint(images_of(replaced))

    # To ask for what is already so asks nothing of Heat.
    updated_at = scaling.heat("GET", "/stacks/web")["stack"]["updated_time"]
    assert images_of(scaling.group("set-image", "web", "silver", "--replace")) == images_of(
        replaced
    )
    assert scaling.heat("GET", "/stacks/web")["stack"]["updated_time"] == updated_at

    # A name is given once: a repeated request makes no second group.
    scaling.refused(3, "There is a stack named web already", "create", "web", "--image", "golden",
                 "--flavor", "m1.tiny")  # fmt: skip


def test_plain_group_of_a_customer_is_changed_only_if_its_instances_may_be_replaced(
    scaling: ScalingProject,
) -> None:
    golden, silver = (
        scaling.golden["cloud_image_id"],
        scaling.silver["cloud_image_id"],
    )
    body = template(1, {"get_param": "picture"}, {"picture": {"type": "string"}})
    scaling.stack("plain", body, picture=golden)
    before = images_of(scaling.group("show", "plain"))

    scaling.refused(3, "all would be replaced.",
                 "set-image", "plain", "silver")  # fmt: skip
    assert images_of(scaling.group("show", "plain")) == before == dict.fromkeys(before, golden)

    after = scaling.group("set-image", "plain", "silver", "--replace", "--wait")
    assert after["cloud_image_id"] == silver
    assert list(images_of(after).values()) == [silver]


def test_group_without_instances_takes_another_image_at_once(
    scaling: ScalingProject, empty: str
) -> None:
    changed = scaling.group("set-image", empty, "silver", "--wait")

    assert (changed["size"], changed["cloud_image_id"]) == (
        0,
        scaling.silver["cloud_image_id"],
    )
    assert (changed["group"], changed["min_size"], changed["max_size"]) == ("workers", 0, 3)
    scaling.group("set-image", empty, scaling.golden["id"], "--wait")


def test_image_that_a_stack_holds_is_deleted_by_force_alone(
    scaling: ScalingProject,
) -> None:
    image = scaling.capture("bronze")["cloud_image_id"]
    scaling.stack("hard", template(0, image))
    delete = ("image", "delete", "bronze", *scaling.account, "--yes")

    scaling.refused(3, f"says itself which image its instances have ({image})",
                 "set-image", "hard", "silver")  # fmt: skip
    scaling.cli.refused(3, "used by 1 stack, which could not create", *delete)
    scaling.cli.ok(*delete, "--force")

    assert scaling.group("show", "hard")["fault"].startswith("Its template says itself")
    left = scaling.cli.ok("image", "list", *scaling.account).json
    assert {shown["name"] for shown in left} == {"golden", "silver"}


def test_update_whose_answer_is_lost_is_repeated_without_harm(
    scaling: ScalingProject, empty: str
) -> None:
    scaling.cloud.fault("heat", "PATCH", "/stacks/", "drop-after")

    scaling.refused(4, "repeating the request is safe", "set-image", empty, "silver")

    wait_for(lambda: scaling.group("show", empty)["status"] == "ready", "the update")
    changed = scaling.group("set-image", empty, "silver")
    assert changed["cloud_image_id"] == scaling.silver["cloud_image_id"]
    scaling.group("set-image", empty, "golden", "--wait")


def test_nothing_is_deleted_while_heat_cannot_tell_who_uses_it(
    scaling: ScalingProject,
) -> None:
    scaling.cloud.fault("heat", "GET", "/stacks", 503, count=None)

    scaling.cli.refused(
        4, "Could not check whether stacks use the image. Add --force",
        "image", "delete", "silver", *scaling.account, "--yes",
    )  # fmt: skip

    scaling.cloud.clear_faults()
    assert scaling.cli.ok("image", "show", "silver", *scaling.account).json["status"] == "available"


@pytest.mark.parametrize(
    ("command", "exit_code", "message"),
    [
        (("set-image", "empty", "lead"), 3, "Image 'lead' was not found"),
        (("set-image", "nowhere", "golden"), 3, "Scaling group 'nowhere' was not found"),
        (("set-image", "../../stacks/empty", "golden"), 3, "was not found"),
        (("set-image", "empty", "golden", "--batch-size", "2"), 2, "add --replace"),
        (("set-image", "empty", "golden", "--group", "owners"), 3, "has these: workers"),
        (("show", "\x1b[31mempty"), 3, r"'\x1b[31mempty' was not found"),
        (("create", "9web", "--image", "golden", "--flavor", "m1.tiny"), 2, "begin with a letter"),
        (("create", "web2", "--image", "lead", "--flavor", "m1.tiny"), 3, "'lead' was not found"),
        (("create", "web2", "--image", "golden", "--flavor", "m9"), 3, "'m9' was not found"),
        (
            ("create", "web2", "--image", "golden", "--flavor", "m1.tiny", "--min", "4"),
            2,
            "minimum 4, desired 4, maximum 3",
        ),
    ],
)
def test_refused_command_on_a_group_says_why_and_asks_nothing_of_heat(
    command: tuple[str, ...],
    exit_code: int,
    message: str,
    scaling: ScalingProject,
    empty: str,
) -> None:
    scaling.refused(exit_code, message, *command)

    stacks = {stack["stack_name"] for stack in scaling.heat("GET", "/stacks")["stacks"]}
    assert stacks.isdisjoint({"web2", "9web"})
    assert scaling.group("show", empty)["cloud_image_id"] == scaling.golden["cloud_image_id"]


def test_groups_and_images_of_other_accounts_are_not_there(
    scaling: ScalingProject, empty: str
) -> None:
    other = scaling.cloud.new_project()
    account = ("--account", other.name)
    stack_id = scaling.group("show", empty)["id"]

    assert scaling.cli.ok("scaling-group", "list", *account).json == []
    for stack in (empty, stack_id):
        scaling.cli.refused(3, "was not found", "scaling-group", "show", stack, *account)
    for image in ("golden", scaling.golden["id"], scaling.golden["cloud_image_id"]):
        scaling.cli.refused(
            3, f"Image '{image}' was not found",
            "scaling-group", "set-image", empty, image, *account,
        )  # fmt: skip


def test_image_that_is_too_large_for_the_groups_flavor_is_refused(
    scaling: ScalingProject, empty: str
) -> None:
    with scaling.cloud.connection(scaling.project.cloud) as member:
        image: Any = member.image.get_image(scaling.silver["cloud_image_id"])
        member.image.update_image(image, min_disk=5)

        scaling.refused(3, "it has 1 GiB of disk, and the image needs 5 GiB",
                     "set-image", empty, "silver")  # fmt: skip

        member.image.update_image(member.image.get_image(image), min_disk=image.min_disk)
    assert scaling.group("show", empty)["cloud_image_id"] == scaling.golden["cloud_image_id"]


def test_list_shows_every_group_and_no_other_stack(scaling: ScalingProject, empty: str) -> None:
    scaling.stack("other", {"heat_template_version": "2018-08-31", "resources": {}})

    groups = scaling.group("list")

    assert empty in {group["name"] for group in groups}
    assert "other" not in {group["name"] for group in groups}
    assert [group["name"] for group in groups] == sorted(group["name"] for group in groups)
