"""With account_scope = domain an image serves all projects of the customer's domain, no other."""

from dataclasses import dataclass
from typing import Any

import pytest
from openstack.compute.v2.server import Server

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import Domain, EmbeddedCloud, Project
from support.processes.command_line import CommandLine

pytestmark = pytest.mark.cloud

DOMAIN = "account_scope = domain"


@dataclass(frozen=True)
class Customer:
    """A domain with two projects, of which the first has the instance ``web``."""

    domain: Domain
    first: Project
    second: Project
    web: Server

    @property
    def account(self) -> tuple[str, str]:
        """The option that names the account."""
        return ("--account", self.domain.name)


def settle_in(cloud: EmbeddedCloud) -> Customer:
    domain = cloud.new_domain()
    first, second = cloud.new_project("first", domain), cloud.new_project("second", domain)
    return Customer(domain, first, second, cloud.boot(first, "web"))


@pytest.fixture(scope="module")
def ours(embedded_cloud: EmbeddedCloud) -> Customer:
    return settle_in(embedded_cloud)


@pytest.fixture
def theirs(ours: Customer) -> Customer:
    """Somebody else, for tests that make a customer of their own."""
    return ours


@pytest.fixture
def cli(cloud: EmbeddedCloud, configured: ConfiguredCommandLine) -> CommandLine:
    """The command line on a new ledger whose accounts are domains."""
    return configured(DEFAULT=DOMAIN)


def members(cloud: EmbeddedCloud, image: Any) -> dict[str, str]:
    with cloud.connection() as operator:
        found = operator.image.members(image["cloud_image_id"])
        return {member.member_id: member.status for member in found}


def visible(cloud: EmbeddedCloud, project: Project) -> set[str]:
    """Return the images that a project's member finds in his list."""
    with cloud.connection(project.cloud) as member:
        return {image.id for image in member.image.images()}


def capture(cli: CommandLine, customer: Customer, name: str) -> Any:
    return cli.ok("image", "create", "web", "--name", name, *customer.account, "--wait").json


def test_image_of_a_domain_serves_all_its_projects_and_is_counted_and_billed_once(
    cli: CommandLine, cloud: EmbeddedCloud, theirs: Customer
) -> None:
    ours = settle_in(cloud)

    image = capture(cli, ours, "golden")

    # It belongs to the project of its source instance, and the account is the domain.
    assert image["account_id"] == ours.domain.id
    assert image["project_id"] == ours.first.id
    with cloud.connection() as operator:
        found = operator.image.get_image(image["cloud_image_id"])
        assert (found.owner_id, found.visibility) == (ours.first.id, "shared")
    assert members(cloud, image) == {ours.second.id: "accepted"}
    assert image["cloud_image_id"] in visible(cloud, ours.second)
    assert image["cloud_image_id"] not in visible(cloud, theirs.first)

    # The account is found by the domain's id, and by either name of a project of it.
    for reference in (ours.domain.id, ours.domain.name, ours.first.name, ours.second.id):
        shown = cli.ok("image", "show", "golden", "--account", reference).json
        assert shown["id"] == image["id"]
        limit = cli.ok("limit", "show", "--account", reference).json
        assert (limit["account_id"], limit["held"]) == (ours.domain.id, 1)

    # From the other project it is deployed with the owner's name, id or the cloud's id.
    task = cli.ok(
        "image", "deploy", "golden", "--name", "copy", "--flavor", "m1.tiny", "--network", "none",
        "--project", ours.second.name, *ours.account, "--wait",
    ).json  # fmt: skip
    assert task["state"] == "succeeded"
    with cloud.connection(ours.second.cloud) as member:
        assert member.compute.get_server(task["server_id"]).project_id == ours.second.id

    # The other domain sees nothing, and cannot be used to reach it.
    for command in (
        ("image", "show", image["id"]),
        ("image", "delete", image["cloud_image_id"], "--yes"),
        ("image", "deploy", image["id"], "--name", "n", "--flavor", "m1.tiny"),
        ("image", "create", ours.web.id, "--name", "stolen"),
        ("image", "create", "web", "--name", "stolen", "--project", ours.first.id),
    ):
        cli.refused(3, "was not found", *command, *theirs.account)
    cli.refused(
        3, "Project", "image", "deploy", "golden", "--name", "n", "--flavor", "m1.tiny",
        "--project", theirs.first.id, *ours.account,
    )  # fmt: skip

    # The hourly run bills one account; a project made since then is let in by it.
    later = cloud.new_project("later", ours.domain)
    cli.ok("rate", "set", "RegionOne", "0.50")
    cli.ok("meter", "run")
    assert cli.ok("meter", "status").json[0]["billable_images"] == 1
    assert members(cloud, image) == {ours.second.id: "accepted", later.id: "accepted"}

    cli.ok("image", "delete", "golden", *ours.account, "--yes")
    assert image["cloud_image_id"] not in visible(cloud, ours.second)


def test_instances_of_one_name_in_two_projects_are_told_apart_by_the_project(
    cli: CommandLine, cloud: EmbeddedCloud, ours: Customer
) -> None:
    cloud.boot(ours.first, "twin", wait=False)
    other = cloud.boot(ours.second, "twin")
    create = ("image", "create", "twin", "--name", "one", *ours.account)

    ambiguous = cli.refused(3, "2 instances are named 'twin'", *create)
    chosen = cli.ok(*create, "--project", ours.second.name).json

    assert ours.second.name in ambiguous.err
    assert chosen["source_instance_id"] == other.id
    assert chosen["project_id"] == ours.second.id


def test_customers_own_credentials_have_their_domain_for_an_account(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, ours: Customer
) -> None:
    cloud.enter_in_clouds_yaml(ours.first)
    cli = configured(DEFAULT=DOMAIN, location=f"cloud = {ours.first.cloud}")

    limit = cli.ok("limit", "show").json

    assert (limit["account_id"], limit["account_name"]) == (ours.domain.id, ours.domain.name)
    cli.refused(3, "was not found", "image", "list", "--account", "default")


def test_an_image_that_cannot_be_shared_now_is_shared_by_the_next_run(
    cli: CommandLine, cloud: EmbeddedCloud, ours: Customer
) -> None:
    cloud.fault("glance", "POST", "/members", 500)
    image = capture(cli, ours, "late")
    assert members(cloud, image) == {}

    cli.ok("rate", "set", "RegionOne", "0.50")
    cli.ok("meter", "run")

    assert members(cloud, image) == {ours.second.id: "accepted"}


def test_a_ledger_in_use_refuses_the_other_account_scope(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, ours: Customer
) -> None:
    as_projects = configured()
    as_projects.ok("limit", "set", ours.first.id, "3")

    as_domains = configured(DEFAULT=DOMAIN)

    for command in (("image", "list"), ("limit", "show"), ("meter", "run")):
        as_domains.refused(2, "account_scope = domain, but the database", *command)
    assert configured().ok("limit", "show", "--account", ours.first.id).json["max_images"] == 3


def test_the_domains_of_projects_are_learned_by_the_hourly_run(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, ours: Customer
) -> None:
    cli = configured()
    cli.ok("limit", "set", ours.first.id, "3")

    cli.ok("meter", "run")

    site = cli.site()
    with site.database.reading() as connection:
        from instance_images.db.accounts import find_account

        row = find_account(connection, "RegionOne", ours.first.id)
    assert row is not None
    assert row.domain_name == ours.domain.name


def test_what_an_operator_makes_for_a_project_belongs_to_the_project(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, ours: Customer
) -> None:
    cli = configured()

    image = cli.ok(
        "image", "create", ours.web.id, "--name", "mine", "--account", ours.first.id, "--wait"
    ).json

    with cloud.connection(ours.first.cloud) as member:
        found = member.image.get_image(image["cloud_image_id"])
    assert (found.owner_id, found.visibility) == (ours.first.id, "private")
    assert image["account_id"] == ours.first.id
