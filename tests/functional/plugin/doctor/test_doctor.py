"""The doctor finds what is wrong, with its cure, whatever else is broken at the same time."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from openstack.connection import Connection

from instance_images.db import tasks
from instance_images.db.tables import images
from instance_images.drivers.openstack import cinder as openstack_volumes
from instance_images.drivers.openstack.service import REQUEST_PROPERTY
from instance_images.instants import system_clock
from instance_images.model.records import TaskKind

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.clouds.image_quotas import set_image_quota
from support.processes.command_line import CommandLine, write_config

pytestmark = pytest.mark.cloud


@dataclass(kw_only=True)
class CheckedDeployment:
    """A ledger in order, on a cloud of which only this project's images are looked at."""

    cloud: EmbeddedCloud
    cli: CommandLine
    project: Project
    operator: Connection
    directory: Path
    others: str

    def found(self, *command: str) -> list[str]:
        """Return what the doctor finds, each with its severity, check and cure."""
        result = (self.cli)("doctor", "-f", "json", *command)
        findings = result.json
        assert result.exit_code == (1 if findings else 0)
        assert all(one["cure"] and one["severity"] in ("error", "warning") for one in findings)
        return [f"{one['check']}: {one['what']}" for one in findings]

    def put(self, **properties: Any) -> Any:
        """Make an image of one byte in the project."""
        image: Any = self.operator.image.create_image(
            f"orphan-{uuid.uuid4().hex}", data=b"x", container_format="bare", disk_format="raw",
            owner=self.project.id, wait=True, **properties,
        )  # fmt: skip
        return image

    def configured(self, **more: str) -> CommandLine:
        """Return the command line on the same ledger with a configuration of its own."""
        more.setdefault("reconcile", f"adopt = snapshots\nexcluded_projects = {self.others}")
        url = f"sqlite:///{self.directory / 'instance-images.db'}"
        return CommandLine(write_config(self.directory / "other.conf", url, **more))


@pytest.fixture
def checked(
    cloud: EmbeddedCloud, configured: ConfiguredCommandLine, tmp_path: Path
) -> Iterator[CheckedDeployment]:
    project = cloud.new_project()
    with cloud.connection() as operator:
        owners = {image.owner for image in operator.image.images(visibility="all")} - {project.id}
        others = ",".join(sorted(owners))
        cli = configured(reconcile=f"adopt = snapshots\nexcluded_projects = {others}")
        cli.ok("rate", "set", "RegionOne", "0.05")
        cli.ok("image", "sync")
        yield CheckedDeployment(
            cloud=cloud,
            cli=cli,
            project=project,
            operator=operator,
            directory=tmp_path,
            others=others,
        )


def test_where_all_is_well_the_doctor_says_so_of_every_check(checked: CheckedDeployment) -> None:
    result = checked.cli.ok("doctor", "-f", "table")

    assert result.out.splitlines() == [
        "configuration: OK",
        "api: OK",
        "budgets: OK",
        "cloud: OK",
        "database: OK",
        "events: OK",
        "files: OK",
        "images: OK",
        "ledger: OK",
        "mail: OK",
        "metrics: OK",
        "worker: OK",
    ]
    assert checked.found() == []


def test_a_configuration_that_cannot_be_read_is_a_finding(checked: CheckedDeployment) -> None:
    checked.cli.config_file.write_text("[DEFAULT]\nlocations = RegionOne\nlokations = x\n")

    [found] = checked.found()

    assert "option lokations in [DEFAULT] is unknown" in found


def test_services_that_are_down_are_findings_and_all_else_is_still_checked(
    checked: CheckedDeployment,
) -> None:
    with checked.cli.application.database.writing() as connection:
        connection.execute(sa.text("DELETE FROM rates"))
    checked.cloud.stop_service("glance")
    try:
        found = checked.found()
    finally:
        checked.cloud.start_service("glance")

    assert any(one.startswith("cloud: Glance of location RegionOne cannot") for one in found)
    assert any(one.startswith("images: Glance of location RegionOne cannot") for one in found)
    assert "ledger: RegionOne has no rate for this hour: no hour can be closed." in found


def test_credentials_that_do_not_suffice_are_found(checked: CheckedDeployment) -> None:
    checked.cli = checked.configured(location="cloud = other")

    found = checked.found()

    assert any("'other' do not have the admin role" in one for one in found)


def test_an_application_credential_is_found_and_captures_with_it_say_what_helps(
    checked: CheckedDeployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity: Any = checked.operator.identity
    made = identity.create_application_credential(
        user=identity.find_user("admin"), name=uuid.uuid4().hex, roles=[{"name": "admin"}]
    )
    document = yaml.safe_load(checked.cloud.clouds_yaml.read_text())
    auth = {"auth_url": document["clouds"]["admin"]["auth"]["auth_url"]}
    auth |= {"application_credential_id": made.id, "application_credential_secret": made.secret}
    document["clouds"]["admin"] = {
        "auth_type": "v3applicationcredential", "region_name": "RegionOne", "auth": auth,
    }  # fmt: skip
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))

    found = checked.found()

    assert any("'admin' are an application credential, which is good for project" in one
               for one in found)  # fmt: skip
    checked.cli.ok("image", "sync", "--dry-run")
    checked.cli.refused(3, "needs a user with a password in clouds.yaml", "image", "create", "x",
                       "--name", "n", "--account", checked.project.id)  # fmt: skip


def test_credentials_for_the_system_are_found(
    checked: CheckedDeployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = yaml.safe_load(checked.cloud.clouds_yaml.read_text())
    auth = document["clouds"]["admin"]["auth"]
    for key in ("project_name", "project_domain_name"):
        del auth[key]
    auth["system_scope"] = "all"
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))

    assert any("are for the system, for a domain or for nothing" in one for one in checked.found())


def test_a_cloud_that_clouds_yaml_does_not_know_is_found(checked: CheckedDeployment) -> None:
    checked.cli = checked.configured(location="cloud = nowhere")

    assert any("the entry 'nowhere' of clouds.yaml" in one for one in checked.found())


def test_two_locations_that_are_one_region_are_found(checked: CheckedDeployment) -> None:
    twin = {"location:Twin": "cloud = admin\nregion_name = RegionOne"}
    checked.cli = checked.configured(DEFAULT="locations = RegionOne,Twin", **twin)

    assert (
        len([one for one in checked.found() if "RegionOne and Twin are the same region" in one])
        == 2
    )


def test_a_project_without_a_role_for_us_is_found(checked: CheckedDeployment) -> None:
    checked.put(image_type="snapshot")
    checked.cli.ok("image", "sync")
    identity: Any = checked.operator.identity
    domain = identity.create_domain(name=uuid.uuid4().hex)  # nobody inherits a role from it
    project = identity.create_project(name="apart", domain_id=domain.id)
    with checked.cli.application.database.writing() as connection:
        connection.execute(sa.update(images).values(project_id=project.id))

    assert any(f"no role on 1 of the projects that own images ({project.id})" in one
               for one in checked.found())  # fmt: skip


def test_a_project_that_is_gone_and_has_images_on_record_is_found(
    checked: CheckedDeployment,
) -> None:
    checked.put(image_type="snapshot")
    checked.cli.ok("image", "sync")
    with checked.cli.application.database.writing() as connection:
        connection.execute(sa.update(images).values(project_id="f" * 32))

    what = f"Project {'f' * 32} owns images on record and is not in Keystone any more"
    assert any(what in one for one in checked.found())


def test_clocks_that_differ_are_found(checked: CheckedDeployment) -> None:
    checked.cli.clock = lambda: system_clock() + timedelta(seconds=90)

    found = checked.found()

    skewed = [one for one in found if " s behind this machine's" in one]
    assert len(skewed) >= 3


def test_what_bears_our_mark_and_is_on_record_as_nothing_is_found(
    checked: CheckedDeployment,
) -> None:
    orphan = checked.put(**{REQUEST_PROPERTY: "of nobody"})

    found = checked.found()
    checked.cli.ok("image", "sync")

    assert [one for one in found if orphan.id in one and "carries this product's mark" in one]
    assert checked.found() == []  # it was adopted


def test_an_available_image_of_0_bytes_is_found(checked: CheckedDeployment) -> None:
    checked.put(image_type="snapshot")
    checked.cli.ok("image", "sync")
    with checked.cli.application.database.writing() as connection:
        connection.execute(sa.update(images).values(size_bytes=0))

    assert any("is available with 0 bytes" in one for one in checked.found())


def test_runs_that_stay_away_are_found(checked: CheckedDeployment) -> None:
    checked.put(image_type="snapshot")
    checked.cli.ok("meter", "run")
    checked.cli.clock = lambda: system_clock() + timedelta(hours=5)

    found = checked.found()

    assert any("hours are not closed" in one for one in found)
    assert any("The last complete listing of the location:" in one for one in found)
    checked.cli.ok("meter", "run")
    checked.cli.clock = system_clock
    assert any("Hours are closed up to" in one for one in checked.found())


def test_a_capture_that_nobody_brings_forward_is_found(checked: CheckedDeployment) -> None:
    server = checked.cloud.boot(checked.project, metadata={"minicloud_snapshot_fail": "noupload"})
    account = ("--account", checked.project.name)
    image = checked.cli.ok("image", "create", server.id, "--name", "stuck", *account).json
    checked.cli.clock = lambda: system_clock() + timedelta(hours=3)

    [found] = [one for one in checked.found() if image["task_id"] in one]

    assert "The create task" in found


def test_a_deployment_that_nobody_brings_forward_is_found(checked: CheckedDeployment) -> None:
    checked.put(image_type="snapshot")
    checked.cli.ok("image", "sync")
    [image] = checked.cli.ok("image", "list", "--account", checked.project.name).json
    began = system_clock() - timedelta(hours=3)
    with checked.cli.application.database.writing() as connection:
        tasks.insert_task(
            connection, "of a deploy", image["id"], TaskKind.DEPLOY, began,
            project_id=checked.project.id,
        )  # fmt: skip

    found = checked.found()

    assert any("The deploy task of a deploy" in one for one in found)
    assert any("No worker is running" in one for one in found)


def test_parts_of_captures_that_no_task_knows_are_found_in_every_project(
    checked: CheckedDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openstack_volumes, "PAGE", 1)  # so that there are several pages
    mark = {"metadata": {REQUEST_PROPERTY: "of nobody"}}
    with checked.cloud.connection(checked.project.cloud) as member:
        storage: Any = member.block_storage

        def made(kind: str, **more: Any) -> str:
            made_id = storage.post(f"/{kind}s", json={kind: more | mark}).json()[kind]["id"]
            path = f"/{kind}s/{made_id}"
            wait_for(lambda: storage.get(path).json()[kind]["status"] == "available", kind)
            return str(made_id)

        blank = made("volume", size=1)  # nothing that this product has made
        snapshot = made("snapshot", volume_id=blank)
        volume = made("volume", snapshot_id=snapshot)

        found = checked.found()

        for name in (f"volume snapshot {snapshot}", f"volume {volume}"):
            what = f"The {name} of project {checked.project.id} carries this product's mark"
            assert len([one for one in found if what in one]) == 1
        assert not [one for one in found if f"volume {blank}" in one]
        for path in (f"/volumes/{volume}", f"/snapshots/{snapshot}", f"/volumes/{blank}"):
            assert storage.delete(path).status_code == 202
            wait_for(lambda path=path: storage.get(path).status_code == 404, "no leftovers")  # type: ignore[misc]
    assert checked.found() == []


def test_quotas_of_glance_that_are_reached_before_ours_are_found_of_every_project_with_images(
    checked: CheckedDeployment,
) -> None:
    checked.put(image_type="snapshot")
    checked.cli.ok("image", "sync")
    assert checked.found() == []
    set_image_quota(checked.cloud, checked.project, "image_count_total", 3)
    others = checked.cloud.new_project()  # it owns none
    set_image_quota(checked.cloud, others, "image_count_total", 2)

    [found] = checked.found()
    checked.cli = checked.configured(limits="max_images = 2000")
    more = checked.found()

    assert "allows 1 of the projects that own images fewer of them" in found
    assert f"({checked.project.id}: 3)" in found
    assert any("Glance allows a project 1000 images" in one for one in more)


def test_a_database_of_another_version_is_found(checked: CheckedDeployment) -> None:
    (checked.directory / "instance-images.db").unlink()

    assert any("does not exist: run 'instance-images db upgrade'" in one for one in checked.found())


def test_files_that_cannot_be_written_are_found(checked: CheckedDeployment) -> None:
    nowhere = checked.directory / "nowhere"
    checked.cli = checked.configured(
        metrics=f"textfile = {nowhere}/x.prom", DEFAULT=f"log_dir = {nowhere}/log"
    )

    found = [one for one in checked.found() if one.startswith(("files: ", "metrics: "))]

    assert len(found) == 2


def test_a_project_that_is_excluded_by_its_name_is_found(checked: CheckedDeployment) -> None:
    checked.cli = checked.configured(
        reconcile=f"excluded_projects = {checked.project.name},{checked.others}"
    )

    assert [one for one in checked.found() if "which is a project name" in one]
