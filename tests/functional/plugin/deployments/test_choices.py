"""The deploy page has two groups, and one look at the cloud fills both."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.clouds.embedded_cloud import EmbeddedCloud, Project, wait_for
from support.processes.command_line import CommandLine, write_config

pytestmark = pytest.mark.cloud


@dataclass(frozen=True)
class Page:
    """The deploy page of an account with one available image, ``golden``."""

    cloud: EmbeddedCloud
    cli: CommandLine
    project: Project
    golden: Any

    def groups(self) -> dict[str, list[Any]]:
        """Return the images that the page shows, by the names of its groups."""
        document = self.cli.ok("image", "choices", "--account", self.project.name).json
        assert list(document) == ["groups"]
        return {group["name"]: group["images"] for group in document["groups"]}

    def capture(self, name: str) -> Any:
        """Make another image of the account."""
        with self.cloud.connection() as operator:
            compute = operator.compute
            [server] = compute.servers(all_projects=True, project_id=self.project.id)
            wait_for(lambda: compute.get_server(server.id).task_state is None, "an idle instance")
        account = ("--account", self.project.name)
        return self.cli.ok("image", "create", "web-1", "--name", name, *account, "--wait").json

    def upload(self, name: str, cloud: str = "admin", **properties: Any) -> str:
        """Upload an image to the image service; return its id."""
        with self.cloud.connection(cloud) as connection:
            image: Any = connection.image.create_image(
                name=name, disk_format="raw", container_format="bare", data=b"x", **properties
            )
            return str(image.id)

    def requests(self) -> list[str]:
        """Return what the product's user has asked the image service for since it was started."""
        with self.cloud.connection() as operator:
            user_id = operator.current_user_id
        log = (self.cloud.log_dir / "glance.log").read_text()
        lines = [line for line in log.splitlines() if '"GET /v2/images' in line]
        return [line for line in lines if f" {user_id} " in line]


@pytest.fixture(scope="module")
def page(embedded_cloud: EmbeddedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    project = embedded_cloud.new_project()
    embedded_cloud.boot(project, "web-1")
    directory = tmp_path_factory.mktemp("page")
    url = f"sqlite:///{directory / 'instance-images.db'}"
    cli = CommandLine(write_config(directory / "instance-images.conf", url))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OS_CLIENT_CONFIG_FILE", str(embedded_cloud.clouds_yaml))
        cli.ok("db", "upgrade")
        page = Page(embedded_cloud, cli, project, None)
        yield Page(embedded_cloud, cli, project, page.capture("golden"))


@pytest.fixture
def operators(page: Page) -> Iterator[list[str]]:
    """The ids of the operator's images that go again when the test ends."""
    made: list[str] = []
    yield made
    with page.cloud.connection() as operator:
        for image_id in made:
            operator.image.delete_image(image_id)


def test_own_images_and_those_of_the_provider_are_in_a_group_each(
    page: Page, operators: list[str]
) -> None:
    system = {"os_distro": "debian", "os_version": "13", "architecture": "x86_64"}
    operators.append(
        page.upload("Debian 13", visibility="public", min_disk=3, min_ram=512, **system)
    )

    groups = page.groups()

    assert list(groups) == ["OS Images", "My Images"]
    shown = {image["name"]: image for image in groups["OS Images"]}
    assert [image["id"] for image in groups["My Images"]] == [page.golden["id"]]
    assert groups["My Images"][0]["cloud_image_id"] == page.golden["cloud_image_id"]
    assert groups["My Images"][0]["size_bytes"] == page.golden["size_bytes"]
    assert {"Debian 13", "base-linux"} <= set(shown)
    assert shown["Debian 13"] == {
        "group": "OS Images",
        "id": operators[0],
        "name": "Debian 13",
        "cloud_image_id": operators[0],
        "size_bytes": 1,
        "min_disk_gib": 3,
        "min_ram_mib": 512,
        "os_type": None,
        **system,
    }


def test_community_images_are_offered_of_the_projects_that_the_operator_names(
    page: Page, operators: list[str], tmp_path: Path
) -> None:
    customer, vendor = page.cloud.new_project(), page.cloud.new_project()
    name = f"Ubuntu 24.04 LTS (official) {uuid.uuid4().hex[:6]}"
    with page.cloud.connection() as operator:
        owned = {"visibility": "community", "os_distro": "ubuntu"}
        for owner in (customer, vendor, vendor):
            image: Any = operator.image.create_image(
                name=name, disk_format="raw", container_format="bare", data=b"x",
                owner=owner.id, **owned,
            )  # fmt: skip
            operators.append(image.id)
        operator.image.update_image(operator.image.get_image(operators[2]), is_hidden=True)
    account = ("--account", page.project.name)
    named = f"os_image_projects = {vendor.id}, {vendor.id}, {customer.name}"
    url = f"sqlite:///{page.cli.config_file.parent / 'instance-images.db'}"
    cli = CommandLine(write_config(tmp_path / "named.conf", url, location=named))

    by_default = page.groups()["OS Images"]
    [os_images, _mine] = cli.ok("image", "choices", *account).json["groups"]
    found = cli("doctor", "-f", "json").json

    assert name not in {image["name"] for image in by_default}
    offered = [image["id"] for image in os_images["images"] if image["name"] == name]
    assert offered == [operators[1]]
    told = [one["what"] for one in found if "os_image_projects" in one["what"]]
    assert told == [
        f"[location:RegionOne] os_image_projects has {customer.name!r}, which is a project name,"
        " not an id: it offers nothing."
    ]


def test_what_cannot_be_deployed_or_is_somebody_elses_is_in_neither_group(
    page: Page, operators: list[str]
) -> None:
    stranger = page.cloud.new_project()
    hidden = page.upload("hidden", visibility="public")
    lent = page.upload("lent", visibility="shared")
    private = page.upload("theirs", cloud=stranger.cloud, visibility="private")
    operators += [hidden, lent, private]
    with page.cloud.connection() as operator:
        queued: Any = operator.image.create_image(
            name="queued", disk_format="raw", container_format="bare", visibility="public"
        )
        operators.append(queued.id)
        stopped = page.upload("deactivated", visibility="public")
        operators.append(stopped)
        operator.image.deactivate_image(stopped)
        operator.image.update_image(operator.image.get_image(hidden), is_hidden=True)
        operator.image.add_member(lent, member_id=page.project.id)
    with page.cloud.connection(page.project.cloud) as member:
        member.image.update_member(page.project.id, lent, status="accepted")

    groups = page.groups()

    shown = {image["cloud_image_id"] for images in groups.values() for image in images}
    assert shown.isdisjoint(operators)
    assert page.golden["cloud_image_id"] in shown


def test_groups_are_in_the_order_of_their_names(page: Page, operators: list[str]) -> None:
    tag = uuid.uuid4().hex[:6]
    names = [f"{tag} {name}" for name in ("beta", "Alpha", "gamma", "Beta", "alpha")]
    operators += [page.upload(name, visibility="public") for name in names]

    shown = [image["name"] for image in page.groups()["OS Images"] if tag in image["name"]]

    assert [name.split()[1] for name in shown] == ["Alpha", "alpha", "Beta", "beta", "gamma"]


def test_no_more_requests_are_made_for_more_images(page: Page, operators: list[str]) -> None:
    before = len(page.requests())
    page.groups()
    asked = page.requests()[before:]
    second = page.capture("silver")
    operators += [page.upload(f"more {n}", visibility="public") for n in range(3)]
    before = len(page.requests())

    groups = page.groups()

    assert len(groups["My Images"]) == 2
    assert len(page.requests()[before:]) == len(asked) == 2
    page.cli.ok("image", "delete", second["id"], "--account", page.project.name, "--yes")


def test_tables_and_csv_name_the_group_of_each_image(page: Page) -> None:
    account = ("--account", page.project.name)

    table = page.cli.ok("image", "choices", *account, "-f", "table").out
    csv = page.cli.ok("image", "choices", *account, "-f", "csv").out

    [row] = [line for line in table.splitlines() if "golden" in line]
    assert row.split()[:2] == ["My", "Images"]
    assert f"My Images,{page.golden['id']},golden," in csv


def test_location_without_the_feature_offers_nothing(page: Page, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'instance-images.db'}"
    cli = CommandLine(write_config(tmp_path / "off.conf", url, location="enabled = false"))
    cli.ok("db", "upgrade")

    cli.refused(
        3, "Image feature is not enabled", "image", "choices", "--account", page.project.name
    )
