"""No request of one account reaches anything of another: not by id, name or guess."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from instance_images.instants import floor_hour, system_clock

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, Result, SetClock, write_config

pytestmark = pytest.mark.cloud


@dataclass(frozen=True)
class Customer:
    """An account with the instance ``web`` and the images ``golden`` and one of its own name."""

    project: Project
    server_id: str
    golden: Any
    private: Any

    @property
    def account(self) -> list[str]:
        """The option that names the account."""
        return ["--account", self.project.name]


@dataclass(frozen=True)
class TwoTenants:
    """Two customers on one ledger, of whom each has what the other has, under the same names."""

    cloud: EmbeddedCloud
    cli: CommandLine
    ours: Customer
    theirs: Customer

    def both(self, *arguments: str) -> tuple[Result, Result]:
        """Run one command for either account."""
        return (
            self.cli.ok(*arguments, *self.ours.account),
            self.cli.ok(*arguments, *self.theirs.account),
        )

    def untouched(self) -> bool:
        """Tell whether all images are available, on record and in the image service."""
        listed = [image for one in self.both("image", "list") for image in one.json]
        with self.cloud.connection() as connection:
            in_glance = {
                image.id
                for customer in (self.ours, self.theirs)
                for image in connection.image.images(owner=customer.project.id, visibility="all")
            }
        return [image["status"] for image in listed] == ["available"] * 4 and {
            image["cloud_image_id"] for image in listed
        } == in_glance


def wait_until_idle(cloud: EmbeddedCloud, server_id: str) -> None:
    with cloud.connection() as connection:
        compute = connection.compute
        wait_for(lambda: compute.get_server(server_id).task_state is None, "an idle instance")


def settle_in(cloud: EmbeddedCloud, cli: CommandLine, size_bytes: int) -> Customer:
    project = cloud.new_project()
    size = {"minicloud_snapshot_size": str(size_bytes)}
    server = cloud.boot(project, "web", metadata=size)
    made = []
    for name in ("golden", f"only-{project.name}"):
        wait_until_idle(cloud, server.id)
        made.append(
            cli.ok("image", "create", "web", "--name", name, "--account", project.name, "--wait")
        )
    return Customer(project, server.id, made[0].json, made[1].json)


@pytest.fixture(scope="module")
def tenants(
    embedded_cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoTenants]:
    directory = tmp_path_factory.mktemp("tenants")
    url = f"sqlite:///{directory / 'instance-images.db'}"
    cli = CommandLine(write_config(directory / "instance-images.conf", url))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
        cli.ok("db", "upgrade")
        cli.ok("rate", "set", "RegionOne", "1000")
        ours = settle_in(embedded_cloud, cli, 1_000_003)
        theirs = settle_in(embedded_cloud, cli, 2_000_003)
        yield TwoTenants(embedded_cloud, cli, ours, theirs)


def test_accounts_capture_their_own_instance_of_a_name_that_both_have(
    tenants: TwoTenants,
) -> None:
    assert tenants.ours.golden["source_instance_id"] == tenants.ours.server_id
    assert tenants.theirs.golden["source_instance_id"] == tenants.theirs.server_id
    assert tenants.ours.golden["size_bytes"] == 1_000_003
    assert tenants.theirs.golden["size_bytes"] == 2_000_003


def test_accounts_see_their_own_image_of_a_name_that_both_have(tenants: TwoTenants) -> None:
    ours, theirs = tenants.both("image", "show", "golden")

    assert ours.json == tenants.ours.golden
    assert theirs.json == tenants.theirs.golden


def by_id(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda image: str(image["id"]))


def test_list_of_an_account_holds_its_own_images_alone(tenants: TwoTenants) -> None:
    ours, theirs = tenants.both("image", "list")

    # Images of one second have no order.
    assert by_id(ours.json) == by_id([tenants.ours.golden, tenants.ours.private])
    assert by_id(theirs.json) == by_id([tenants.theirs.golden, tenants.theirs.private])
    for stranger in (
        tenants.theirs.project,
        tenants.theirs.golden,
        tenants.theirs.private,
    ):
        assert (stranger.id if isinstance(stranger, Project) else stranger["id"]) not in ours.out


def test_operator_may_list_the_images_of_all_accounts(tenants: TwoTenants) -> None:
    every = tenants.cli.ok("image", "list", "--all-accounts").json

    assert {image["account_id"] for image in every} == {
        tenants.ours.project.id,
        tenants.theirs.project.id,
    }


@pytest.mark.parametrize("by", ["id", "cloud_image_id", "name"])
@pytest.mark.parametrize(
    "command",
    [
        ("image", "show"),
        ("image", "delete", "--yes"),
        ("image", "deploy", "--name", "n", "--flavor", "m1.tiny", "--network", "none"),
    ],
    ids=lambda command: command[1],
)
def test_image_of_another_account_is_not_found(
    command: tuple[str, ...], by: str, tenants: TwoTenants
) -> None:
    reference = tenants.theirs.private[by]

    result = tenants.cli.refused(3, "was not found", *command, reference, *tenants.ours.account)

    assert result.out == ""
    known = {tenants.theirs.private["id"], tenants.theirs.private["cloud_image_id"]} - {reference}
    assert not any(secret in result.err for secret in known)
    assert tenants.theirs.project.id not in result.err
    assert tenants.untouched()


def test_refusal_does_not_tell_whether_another_account_has_the_image(
    tenants: TwoTenants,
) -> None:
    known = tenants.theirs.private["id"]
    unknown = "f" * len(known)

    of_known = tenants.cli("image", "show", known, *tenants.ours.account)
    of_unknown = tenants.cli("image", "show", unknown, *tenants.ours.account)

    assert of_known.exit_code == of_unknown.exit_code == 3
    assert of_known.err.replace(known, "X") == of_unknown.err.replace(unknown, "X")


def test_tasks_of_another_account_are_neither_listed_nor_shown(tenants: TwoTenants) -> None:
    theirs = tenants.theirs.golden["task_id"]

    listed = tenants.cli.ok("task", "list", *tenants.ours.account)
    shown = tenants.cli.refused(3, "was not found", "task", "show", theirs, *tenants.ours.account)

    assert {task["image_id"] for task in listed.json} == {
        tenants.ours.golden["id"],
        tenants.ours.private["id"],
    }
    assert theirs not in listed.out
    assert shown.out == ""
    assert tenants.cli.ok("task", "show", theirs, *tenants.theirs.account).json["id"] == theirs


def test_near_names_are_the_accounts_own(tenants: TwoTenants) -> None:
    ours, theirs = (f"only-{one.project.name}" for one in (tenants.ours, tenants.theirs))
    capture = ("image", "create", "wb", "--name", "n")

    near = tenants.cli.refused(3, "", "image", "show", f"{ours}x", *tenants.ours.account)
    image = tenants.cli.refused(3, "", "image", "show", f"{theirs}x", *tenants.ours.account)
    server = tenants.cli.refused(3, "Did you mean 'web'?", *capture, *tenants.ours.account)

    assert f"Did you mean {ours!r}?" in near.err
    assert f"{theirs!r}?" not in image.err
    assert tenants.theirs.server_id not in server.err


def test_instance_of_another_account_is_not_found_by_its_id(tenants: TwoTenants) -> None:
    tenants.cli.refused(
        3, "was not found",
        "image", "create", tenants.theirs.server_id, "--name", "stolen", *tenants.ours.account,
    )  # fmt: skip

    assert tenants.untouched()


def test_instance_of_another_account_is_not_found_by_a_name_that_only_it_has(
    tenants: TwoTenants,
) -> None:
    name = f"secret-{tenants.theirs.project.name}"
    tenants.cloud.boot(tenants.theirs.project, name)

    tenants.cli.refused(
        3, "was not found", "image", "create", name, "--name", "stolen", *tenants.ours.account
    )

    assert tenants.untouched()


def test_image_that_is_named_with_the_id_of_anothers_image_does_not_reach_it(
    cloud: EmbeddedCloud, tenants: TwoTenants
) -> None:
    victim = tenants.theirs.private["id"]
    customer = tenants.ours
    wait_until_idle(cloud, customer.server_id)
    disguised = tenants.cli.ok(
        "image", "create", "web", "--name", victim, *customer.account, "--wait"
    ).json

    shown = tenants.cli.ok("image", "show", victim, *customer.account).json
    tenants.cli.ok("image", "delete", victim, *customer.account, "--yes")

    assert shown["id"] == disguised["id"] != victim
    assert tenants.untouched()


def test_limit_of_an_account_counts_its_own_images_alone(tenants: TwoTenants) -> None:
    ours, theirs = tenants.both("limit", "show")

    assert (ours.json["held"], theirs.json["held"]) == (2, 2)


def test_report_of_an_account_names_its_own_images_alone(tenants: TwoTenants) -> None:
    cli = CommandLine(tenants.cli.config_file)
    first_hour = floor_hour(system_clock())
    cli.clock = SetClock(first_hour + timedelta(hours=3))
    cli.ok("meter", "run")

    for own, other in (
        (tenants.ours, tenants.theirs),
        (tenants.theirs, tenants.ours),
    ):
        command = ("report", "cloud-usage", *own.account, "--period", f"{first_hour:%Y-%m}")
        document = cli.ok(*command, "-f", "json").json
        text = json.dumps(document) + "".join(
            cli.ok(*command, "-f", form).out for form in ("html", "csv", "text")
        )

        lines = document["sections"][0]["lines"]
        named = {line["image_id"] for line in lines}
        assert named >= {own.golden["id"], own.private["id"]}
        assert named.isdisjoint({other.golden["id"], other.private["id"]})
        assert own.private["name"] in text
        for secret in (other.private["name"], other.project.id, other.golden["id"]):
            assert secret not in text


def test_customers_own_credentials_name_no_other_account(
    tenants: TwoTenants, cloud: EmbeddedCloud, configured: ConfiguredCommandLine
) -> None:
    tenants.cloud.enter_in_clouds_yaml(tenants.ours.project)
    cli = configured(location=f"cloud = {tenants.ours.project.cloud}")

    assert cli.ok("limit", "show").json["account_id"] == tenants.ours.project.id
    for reference in (tenants.theirs.project.id, tenants.theirs.project.name):
        for command in (("image", "list"), ("task", "list"), ("limit", "show")):
            cli.refused(3, "was not found", *command, "--account", reference)


def test_customers_own_credentials_capture_and_delete_his_own(
    tenants: TwoTenants,
    cloud: EmbeddedCloud,
    configured: ConfiguredCommandLine,
    project: Project,
) -> None:
    cloud.boot(project, "web")
    tenants.cloud.enter_in_clouds_yaml(project)
    cli = configured(location=f"cloud = {project.cloud}")

    image = cli.ok("image", "create", "web", "--name", "mine", "--wait").json

    assert image["account_id"] == project.id
    cli.refused(3, "was not found", "image", "create", tenants.theirs.server_id, "--name", "stolen")
    cli.ok("image", "delete", "mine", "--yes")
    assert tenants.untouched()


def test_image_that_was_given_to_another_project_is_neither_deployed_nor_deleted(
    cli: CommandLine, cloud: EmbeddedCloud, project: Project, tenants: TwoTenants
) -> None:
    server = cloud.boot(project, "web")
    account = ["--account", project.name]
    image = cli.ok("image", "create", server.id, "--name", "moved", *account, "--wait").json
    cloud_image_id = image["cloud_image_id"]
    with cloud.connection() as operator:
        stranger = tenants.theirs.project.id
        answer = operator.image.patch(
            f"/images/{cloud_image_id}",
            json=[{"op": "replace", "path": "/owner", "value": stranger}],
            headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
        )
        assert answer.status_code == 200, answer.text

        cli.refused(3, "or no longer belongs to account", "image", "deploy", "moved",
                    "--name", "n", "--flavor", "m1.tiny", *account)  # fmt: skip
        cli.refused(3, "belongs to another project", "image", "delete", "moved", *account, "--yes")

        assert operator.image.get_image(cloud_image_id).owner_id == stranger
        operator.image.delete_image(cloud_image_id)
