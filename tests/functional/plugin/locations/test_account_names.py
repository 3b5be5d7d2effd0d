"""Names are not identity: a project is renamed, and another customer gets its old name."""

from typing import Any

import pytest

from instance_images.instants import floor_hour, system_clock

from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.processes.command_line import CommandLine

pytestmark = pytest.mark.cloud


def month() -> str:
    return f"{floor_hour(system_clock()):%Y-%m}"


def known(cli: CommandLine, cloud: EmbeddedCloud) -> Project:
    """Return a customer whom the ledger knows by his project's name."""
    project = cloud.new_project()
    cli.ok("limit", "set", project.id, "3")
    return project


def rename(cloud: EmbeddedCloud, project: Project, name: str) -> None:
    with cloud.connection() as operator:
        identity: Any = operator.identity
        identity.update_project(project.id, name=name)


def named(cloud: EmbeddedCloud, name: str) -> str:
    """Make another customer's project of that name; return its id."""
    with cloud.connection() as operator:
        identity: Any = operator.identity
        return str(identity.create_project(name=name, domain_id="default").id)


def report(cli: CommandLine, account: str) -> Any:
    return cli.ok("report", "cloud-usage", "--account", account, "--period", month(), "-f", "json")


def by_name(name: str) -> list[tuple[str, ...]]:
    """Return commands of each kind that take an account."""
    return [
        ("limit", "show", "--account", name),
        ("limit", "set", name, "7"),
        ("limit", "unset", name),
        ("image", "list", "--account", name),
        ("image", "create", "web", "--name", "n", "--account", name),
        ("image", "delete", "golden", "--yes", "--account", name),
        ("image", "deploy", "i", "--name", "n", "--flavor", "m1.tiny", "--account", name),
        ("image", "choices", "--account", name),
        ("task", "list", "--account", name),
        ("scaling-group", "list", "--account", name),
        ("report", "cloud-usage", "--period", month(), "--account", name),
        ("report", "cloud-usage", "--period", month(), "-f", "html", "--account", name),
    ]


def test_a_reading_renews_the_names_of_accounts_and_writes_nothing_else(
    cli: CommandLine, cloud: EmbeddedCloud
) -> None:
    renamed, same = known(cli, cloud), known(cli, cloud)
    rename(cloud, renamed, f"new-{renamed.name}")

    cli.ok("image", "sync")

    names = {one["account_id"]: one["account_name"] for one in cli.ok("limit", "list").json}
    assert names == {renamed.id: f"new-{renamed.name}", same.id: same.name}
    assert report(cli, renamed.id).json["account"]["name"] == f"new-{renamed.name}"
    assert report(cli, f"new-{renamed.name}").json["account"]["id"] == renamed.id


def test_a_name_that_another_customer_got_is_refused_with_both_ids(
    cli: CommandLine, cloud: EmbeddedCloud
) -> None:
    ours = known(cli, cloud)
    rename(cloud, ours, f"new-{ours.name}")
    theirs = named(cloud, ours.name)

    for command in by_name(ours.name):
        refused = cli.refused(3, "give the id", *command)
        assert ours.id in refused.err, command
        assert theirs in refused.err, command
    assert report(cli, ours.id).json["account"]["id"] == ours.id
    # Keystone decides where the ledger says nothing else: the new name is found at once.
    assert report(cli, f"new-{ours.name}").json["account"]["name"] == f"new-{ours.name}"

    cli.ok("image", "sync")

    # From the next reading on the name is the other customer's, who has no bill.
    assert cli.ok("limit", "show", "--account", ours.name).json["account_id"] == theirs
    command = ("report", "cloud-usage", "--period", month(), "--account", ours.name)
    cli.refused(3, "was not found", *command)


def test_the_old_name_of_a_renamed_customer_is_refused(
    cli: CommandLine, cloud: EmbeddedCloud
) -> None:
    ours = known(cli, cloud)
    rename(cloud, ours, f"new-{ours.name}")

    command = ("report", "cloud-usage", "--period", month(), "--account", ours.name)
    refused = cli.refused(3, f"is called 'new-{ours.name}' now", *command)
    assert ours.id in refused.err


def test_a_customer_who_has_left_is_found_by_his_name_until_another_one_has_it(
    cli: CommandLine, cloud: EmbeddedCloud
) -> None:
    left = known(cli, cloud)
    with cloud.connection() as operator:
        operator.identity.delete_project(left.id)

    assert report(cli, left.name).json["account"]["id"] == left.id
    cli.ok("image", "sync")
    assert report(cli, left.name).json["account"]["id"] == left.id

    other = named(cloud, left.name)
    for command in by_name(left.name):
        refused = cli.refused(3, "give the id", *command)
        assert left.id in refused.err and other in refused.err, command
    # A project whose name is the id of an account is not that account.
    cli.ok("image", "sync")
    named(cloud, left.id)
    cli.refused(3, left.id, "limit", "set", left.id, "9")
    assert report(cli, left.id).json["account"]["name"] == left.name


def test_without_keystone_a_report_is_made_by_id_alone(
    cli: CommandLine, cloud: EmbeddedCloud
) -> None:
    ours = known(cli, cloud)
    cli.ok("image", "sync")
    cloud.stop_service("keystone")
    try:
        command = ("report", "cloud-usage", "--period", month(), "--account", ours.name)
        refused = cli.refused(4, "Give the id of the account", *command)
        assert ours.id in refused.err
        assert report(cli, ours.id).json["account"]["id"] == ours.id
    finally:
        cloud.start_service("keystone")


def test_a_name_that_two_domains_have_is_refused_even_if_one_is_the_credentials_own(
    cli: CommandLine, cloud: EmbeddedCloud
) -> None:
    with cloud.connection() as operator:
        own = operator.identity.get_project(operator.current_project_id)
    domain = cloud.new_domain()
    with cloud.connection() as operator:
        identity: Any = operator.identity
        other = identity.create_project(name=own.name, domain_id=domain.id)
    try:
        refused = cli.refused(3, "2 projects are named", "limit", "set", own.name, "9")
        assert own.id in refused.err and other.id in refused.err
    finally:
        with cloud.connection() as operator:
            operator.identity.delete_project(other.id)
