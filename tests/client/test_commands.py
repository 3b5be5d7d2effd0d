"""Every command of the client, by the real ``openstack`` against the real API."""

import contextlib
import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.processes.openstack_client import OpenStackClient
from support.worlds.shop_world import Shop

pytestmark = pytest.mark.cloud

NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def customer(shop: Shop) -> OpenStackClient:
    return shop.customer


def test_image_is_created_with_progress_and_deleted_with_others(
    shop: Shop, customer: OpenStackClient
) -> None:
    made = customer.ok("create", "web-1", "--name", "first", "--wait", "-f", "json")
    second = customer.json("create", shop.server_id, "--name", "second")

    assert made.json["status"] == "available"
    assert isinstance(made.json["size_bytes"], int)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made.json["created_at"])
    stages = made.err.splitlines()
    assert stages[-1] == "create succeeded: done"
    assert len(stages) == len(set(stages))
    assert "%" not in made.err
    shop.proxy().wait_for_task(second["task_id"], interval=0.2)
    some = customer.refused(
        "1 of 3 images not deleted.", "delete", "first", "missing", second["id"]
    )
    assert "Could not delete image 'missing': No image found for 'missing'." in some.err
    names = {one["Name"] for one in customer.json("list")}
    assert names.isdisjoint({"first", "second"})


def test_list_has_the_guides_columns_and_machines_get_raw_values(
    shop: Shop, customer: OpenStackClient
) -> None:
    golden = shop.images["golden"]

    table = customer.ok("list").out
    (shown,) = customer.json("list", "--name", "golden", "--long")

    head = [cell.strip() for cell in table.splitlines()[1].strip("|").split("|")]
    assert head == ["ID", "Name", "Source Instance", "Size", "Status", "Created"]
    assert "| Available |" in table
    assert "MB |" in table
    assert shown == {
        "ID": golden.id,
        "Name": "golden",
        "Source Instance": "web-1",
        "Size": golden.size_bytes,
        "Status": "available",
        "Created": golden.created_at,
        "Location": "RegionOne",
        "Consistency": golden.consistency,
        "Available": golden.available_at,
        "Error": None,
    }
    for option, value in (("--status", "available"), ("--location", "RegionOne")):
        assert len(customer.json("list", option, value)) == 2
    assert customer.json("list", "--status", "error") == []
    ordered = customer.json("list", "--sort-column", "Name", "--sort-descending")
    assert [one["Name"] for one in ordered] == ["golden-2", "golden"]
    assert customer.ok("list", "-f", "value", "-c", "Name").out == "golden\ngolden-2\n"


def test_image_and_its_task_are_shown_with_the_services_fields(
    shop: Shop, customer: OpenStackClient
) -> None:
    golden = shop.images["golden"]

    for reference in ("golden", golden.id):
        image = customer.json("show", reference)
        assert image["id"] == golden.id
    task = customer.json("task", "show", image["task_id"])
    (listed,) = customer.json("task", "list", "--image", "golden", "--kind", "create", "--long")

    answer = shop.office.ask("GET", f"/v1/images/{golden.id}", shop.project, 200).json()["image"]
    assert image == answer
    assert "size_bytes" in customer.ok("show", "golden").out
    assert f"({golden.size_bytes} bytes)" in customer.ok("show", "golden").out
    assert task["state"] == "succeeded"
    assert listed["Image ID"] == golden.id
    assert customer.json("task", "list", "--state", "failed", "--location", "RegionOne") == []


def test_instances_are_deployed_with_user_data(
    shop: Shop, customer: OpenStackClient, tmp_path: Path
) -> None:
    script = tmp_path / "user-data"
    script.write_text("#!/bin/sh\n")
    words = ("deploy", "golden", "pair", "--flavor", "m1.tiny", "--network", "none")

    task = customer.json(*words, "--count", "2", "--user-data", str(script), "--wait")

    assert (task["kind"], task["state"], len(task["server_ids"])) == ("deploy", "succeeded", 2)
    customer.refused("Cannot read", *words, "--user-data", str(tmp_path / "missing"))
    customer.refused("Flavor 'huge' was not found", *words[:4], "huge")


def test_failed_capture_ends_waiting_with_exit_code_1_and_is_retried(
    shop: Shop, customer: OpenStackClient
) -> None:
    cloud = shop.office.cloud
    server = cloud.boot(shop.project, "fails", metadata={"minicloud_snapshot_fail": "upload"})

    failed = customer.refused("failed:", "create", "fails", "--name", "fails", "--wait")

    task_id = customer.json("show", "fails")["task_id"]
    assert f"See 'openstack custom image task show {task_id}'." in failed.err
    assert "create failed: " in failed.err
    with cloud.connection(shop.project.cloud) as connection:
        connection.compute.delete_server_metadata(server.id, ["minicloud_snapshot_fail"])
    assert customer.json("task", "retry", task_id, "--wait")["state"] == "succeeded"
    customer.refused("", "task", "retry", task_id)
    customer.ok("delete", "fails")


def test_operator_sets_limits_and_sees_all_projects(shop: Shop, customer: OpenStackClient) -> None:
    operator, project = shop.operator, shop.project
    held = len(customer.json("list"))

    limit = operator.json("limit", "set", project.name, str(held), "--location", "RegionOne")

    assert (limit["max_images"], limit["account_id"]) == (held, project.id)
    customer.refused("Maximum image limit reached", "create", "web-1", "--name", "one-more")
    assert customer.json("limit", "show")["source"] == "account"
    assert operator.json("limit", "show", project.id)["max_images"] == held
    assert [one["Limit"] for one in customer.json("limit", "list")] == [held]
    assert project.id in {
        one["Account ID"] for one in operator.json("limit", "list", "--all-projects")
    }
    operator.ok("limit", "unset", project.id)
    assert customer.json("limit", "show")["source"] == "default"
    default = operator.json("limit", "set", "--default", "37")
    assert (default["max_images"], default["source"]) == (37, "operator")
    assert operator.json("limit", "show", "--default") == default
    assert customer.json("limit", "show")["max_images"] == 37
    operator.ok("limit", "unset", "--default")
    assert operator.json("limit", "show", "--default")["source"] == "default"
    operator.refused("or --default <number> alone", "limit", "set", project.id)
    operator.refused("Give <project>, or --default alone.", "limit", "unset")
    assert len(operator.json("list", "--project", project.name)) == held
    for words in (("list",), ("task", "list")):
        assert "Project ID" not in customer.json(*words)[0]
        listed = operator.json(*words, "--all-projects")
        assert len([one for one in listed if one["Project ID"] == project.id]) >= held
    operator.refused("No project or domain found for 'nobody'.", "list", "--project", "nobody")
    for words in (
        ("list", "--all-projects"),
        ("limit", "set", project.id, "99"),
        ("limit", "show", "--default"),
    ):
        customer.refused("Your roles do not permit this", *words)


def test_offers_are_listed(shop: Shop, customer: OpenStackClient) -> None:
    assert [one["Location"] for one in customer.json("location", "list")] == ["RegionOne"]
    groups = {one["Group"] for one in customer.json("choice", "list", "--long")}
    assert groups == {"OS Images", "My Images"}
    assert isinstance(customer.json("rate", "list", "--location", "RegionOne"), list)
    assert customer.json("group", "list") == []
    estimate = customer.json("estimate", "web-1")
    assert (estimate["basis"], estimate["fits"]) == ("last_capture", True)
    assert estimate["size_bytes"] == shop.images["golden"].size_bytes
    assert customer.json("usage", "list") == []
    assert "Cloud Usage" in customer.ok("usage", "show", "2026-11").out
    report = customer.ok("usage", "show", "2026-11", "-f", "json").json
    assert report["account"]["id"] == shop.project.id


def test_usage_is_saved_as_a_file(customer: OpenStackClient, tmp_path: Path) -> None:
    path = tmp_path / "november.csv"

    told = customer.ok("usage", "save", "2026-11", "-f", "csv", "-o", str(path)).out

    assert told.startswith(f"{path}: ")
    assert path.read_bytes() != b""
    with contextlib.chdir(tmp_path):
        customer.ok("usage", "save", "2026-11", "-f", "html")
    assert (tmp_path / "cloud-usage-2026-11.html").read_bytes().startswith(b"<!doctype html>")
    nowhere = str(tmp_path / "missing" / "file")
    customer.refused("Cannot write", "usage", "save", "2026-11", "-o", nowhere, "-f", "csv")


def test_operator_previews_and_sets_a_rate(shop: Shop) -> None:
    preview = shop.operator.json("rate", "set", "RegionOne", "0.07", "--preview")
    later = f"{datetime.now(UTC).year + 1}-01-01T00:00:00Z"
    rate = shop.operator.json("rate", "set", "RegionOne", "0.05", "--from", later)

    assert preview["location"] == rate["location"] == "RegionOne"
    assert (rate["price"], rate["from"]) == ("0.05", later)
    prices = {one["From"]: one["Price"] for one in shop.operator.json("rate", "list")}
    assert prices[later] == "0.05"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("No instance found for 'nope': see 'openstack server list'.", "create nope --name x"),
        ("No image found for 'nope'.", "show nope"),
        (f"No image found for '{NOBODYS}'.", f"show {NOBODYS}"),
        ("No image found for 'nope'.", "deploy nope web-9 --flavor m1.tiny"),
        ("1 of 1 images not deleted.", "delete nope"),
        ("No task has the id 'golden'", "task show golden"),
        ("No task of that id was found.", f"task show {NOBODYS}"),
        ("No task of that id was found.", f"task retry {NOBODYS}"),
        ("No image found for 'nope'.", "task list --image nope"),
        ("No instance found for 'nope'", "estimate nope"),
        ("'Nowhere' is unknown", "choice list --location Nowhere"),
        ("No location is named 'Nowhere'.", "limit show --location Nowhere"),
        ("Your roles do not permit this", "limit unset someone"),
        ("'Nowhere' is unknown", "rate list --location Nowhere"),
        ("Your roles do not permit this", "rate set RegionOne 0.05"),
        ("'Nowhere' is unknown", "group list --location Nowhere"),
        ("No scaling group found for 'web'.", "group show web"),
        ("No scaling group found for 'web'.", "group set web --image golden"),
        ("No image found for 'nope'.", "group create web --image nope --flavor m1.tiny"),
        ("'november' is no month: name one such as 2026-11.", "usage show november"),
        ("'2026-13' is no month", "usage save 2026-13 -f csv"),
    ],
)
def test_likely_mistake_is_told_in_one_sentence(
    customer: OpenStackClient, message: str, words: str
) -> None:
    told = customer.refused(message, *words.split())

    assert "Client Error for url" not in told.err
    assert "http://" not in told.err


def test_names_are_data(shop: Shop, customer: OpenStackClient, tmp_path: Path) -> None:
    name = "=1+1;<b>'\"%s 🎉"
    made: Any = customer.json("create", "web-1", "--name", name, "--wait")

    assert made["name"] == name
    assert customer.json("show", name)["id"] == made["id"]
    assert f"\"'{name[:6]}" in customer.ok("list", "-f", "csv", "-c", "Name").out
    assert [one["Name"] for one in customer.json("list", "--name", name)] == [name]
    customer.ok("delete", name)
    for hostile in ("../limits", "golden?status=error", "a/b#c", "\x1b[31mred", str(uuid.uuid4())):
        told = customer.refused("No image found for", "show", hostile)
        assert "\x1b" not in told.err


def test_scaling_group_is_made_shown_and_given_another_image(
    shop: Shop, customer: OpenStackClient
) -> None:
    words = ("--image", "golden", "--flavor", "m1.tiny", "--network", "none", "--max", "2")
    made = customer.json("group", "create", "web", *words, "--min", "0", "--desired", "0")

    (listed,) = customer.json("group", "list", "--long")
    shown = customer.json("group", "show", "web")

    assert listed["ID"] == shown["id"] == made["id"]
    assert (shown["max_size"], shown["members"]) == (2, [])
    changed = customer("custom", "image", "group", "set", "web", "--image", "golden-2")
    assert changed.exit_code == 0 or "changing" in changed.err or "progress" in changed.err
    with shop.office.cloud.connection(shop.project.cloud) as connection:
        connection.orchestration.delete_stack(made["id"])
