"""Scaling groups of a domain on real Heat: in all of its projects, from images of any of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.worlds.scaling_world import ScalingProject, images_of, opened, template

pytestmark = pytest.mark.cloud

CREATE = ("create", "web", "--image", "golden", "--flavor", "m1.tiny", "--network", "none")
EVERY_COMMAND = (
    ("list",),
    ("show", "twin"),
    ("set-image", "twin", "bronze"),
    ("create", "web2", "--image", "bronze", "--flavor", "m1.tiny"),
)


@dataclass(frozen=True)
class DomainProjects:
    """A domain with two projects: ``scaling.project``, which has an instance, and ``second``."""

    scaling: ScalingProject
    second: Project


@pytest.fixture(scope="module")
def domain(
    embedded_cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DomainProjects]:
    domain = embedded_cloud.new_domain()
    first = embedded_cloud.new_project("first", domain)
    second = embedded_cloud.new_project("second", domain)
    embedded_cloud.boot(first, "web-1")
    scope = "account_scope = domain"
    directory = tmp_path_factory.mktemp("domain")
    with opened(embedded_cloud, directory, first, domain.name, DEFAULT=scope) as scaling:
        yield DomainProjects(scaling, second)


def captured_unshared(domain: DomainProjects, name: str) -> str:
    """Capture an image that the second project has no access to, as if it were made just now."""
    image_id = str(domain.scaling.capture(name)["cloud_image_id"])
    with domain.scaling.cloud.connection() as operator:
        operator.image.remove_member(domain.second.id, image=image_id)
    return image_id


def accepted(domain: DomainProjects, image_id: str) -> list[str]:
    """Return the projects that have accepted the image."""
    with domain.scaling.cloud.connection() as operator:
        members = operator.image.members(image_id)
        return [member.member_id for member in members if member.status == "accepted"]


def test_group_is_made_in_the_named_project_from_an_image_of_another_one(
    domain: DomainProjects,
) -> None:
    scaling, second = domain.scaling, domain.second
    golden = captured_unshared(domain, "golden")

    made = scaling.group(
        *CREATE, "--project", second.name, "--min", "0", "--desired", "1", "--wait"
    )

    assert (made["project_id"], made["project_name"]) == (second.id, second.name)
    assert list(images_of(made).values()) == [golden]
    assert accepted(domain, golden) == [second.id]

    # It is found without naming the project, and its image is needed by the domain.
    assert scaling.group("show", "web")["id"] == made["id"]
    assert scaling.group("show", made["id"], "--project", second.id)["id"] == made["id"]
    scaling.cli.refused(
        3, (
            "is used by 1 stack, which could not create or keep instances without it: web"
            f" (project {second.name})."
        ), "image", "delete", "golden", *scaling.account, "--yes",
    )  # fmt: skip

    # Another image of the first project serves the second one too, before Heat is asked for it.
    silver = captured_unshared(domain, "silver")
    changed = scaling.group("set-image", "web", "silver", "--replace", "--wait")
    assert list(images_of(changed).values()) == [silver]
    assert accepted(domain, silver) == [second.id]
    assert changed["project_name"] == second.name


def test_groups_of_one_name_are_told_apart_by_their_project(
    domain: DomainProjects,
) -> None:
    scaling, first, second = domain.scaling, domain.scaling.project, domain.second
    bronze = scaling.capture("bronze")["cloud_image_id"]
    scaling.stack("twin", template(0, bronze))
    scaling.stack("twin", template(0, bronze), second)

    for command in (("show", "twin"), ("set-image", "twin", "bronze")):
        refused = scaling.cli.refused(3, "2 stacks are named 'twin'", "scaling-group", *command,
                                   *scaling.account)  # fmt: skip
        assert first.name in refused.err
        assert second.name in refused.err
    for project in (first, second):
        assert scaling.group("show", "twin", "--project", project.name)["project_id"] == project.id

    twins = [(group["name"], group["project_name"]) for group in scaling.group("list")]
    assert [twin for twin in twins if twin[0] == "twin"] == [
        ("twin", first.name),
        ("twin", second.name),
    ]
    only = scaling.group("list", "--project", first.name)
    assert {group["project_id"] for group in only} == {first.id}
    table = scaling.cli.ok("scaling-group", "list", *scaling.account, "-f", "table").out
    assert "Project" in table.splitlines()[1]
    assert second.name in table
    table = scaling.cli.ok(
        "scaling-group", "list", *scaling.account, "--project", first.id, "-f", "table"
    ).out
    assert "Project" not in table


def test_without_a_project_a_group_is_made_in_that_of_its_image(
    domain: DomainProjects,
) -> None:
    made = domain.scaling.group(
        "create", "own", "--image", "bronze", "--flavor", "m1.tiny", "--network", "none",
        "--min", "0", "--wait",
    )  # fmt: skip

    assert made["project_id"] == domain.scaling.project.id


def test_no_project_of_another_account_is_reached(domain: DomainProjects) -> None:
    scaling, cloud = domain.scaling, domain.scaling.cloud
    stranger = cloud.new_domain()
    theirs = cloud.new_project("theirs", stranger)
    twin = scaling.group("show", "twin", "--project", domain.second.id)["id"]

    for reference in ("twin", twin):
        for command in (("show", reference), ("set-image", reference, "bronze")):
            account = ("--account", stranger.name)
            scaling.cli.refused(3, "was not found", "scaling-group", *command, *account)
    for command in EVERY_COMMAND:
        scaling.refused(3, f"Project '{theirs.id}' was not found", *command, "--project", theirs.id)


@pytest.mark.parametrize("project", ["", "lead", "\x1b[31mweb", "--wait", "x" * 300])
def test_project_that_the_account_does_not_have_is_refused_by_every_command(
    domain: DomainProjects, project: str
) -> None:
    for command in EVERY_COMMAND:
        refused = domain.scaling.cli.refused(
            3, "was not found. Account", "scaling-group", *command, f"--project={project}",
            *domain.scaling.account,
        )  # fmt: skip
        assert "\x1b" not in refused.err
