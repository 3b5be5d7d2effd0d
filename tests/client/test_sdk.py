"""The service in openstacksdk, against the real API on the embedded cloud."""

import uuid
from pathlib import Path

import pytest
from openstack import exceptions
from openstack.connection import Connection

from instance_images_client.sdk import add_to, reason_of, vendor_hook
from instance_images_client.sdk.proxy import Proxy
from instance_images_client.sdk.task import Task

from support.servers.relay import Relay, cut_off, lost, status
from support.worlds.shop_world import Shop

pytestmark = pytest.mark.cloud


def test_three_lines_capture_and_the_image_is_deployed_and_deleted(shop: Shop) -> None:
    images = shop.proxy()
    image = images.create_image(name="three-lines", source_instance_id=shop.server_id)
    seen: list[Task] = []
    task = images.wait_for_task(image.task_id, callback=seen.append, interval=0.1)

    assert image.status == "creating"
    assert task.state == "succeeded"
    assert [one.progress for one in seen] == sorted(one.progress for one in seen)
    assert images.get_image(image.id).size_bytes > 0
    deployed = images.wait_for_task(
        images.deploy_image(image, name="web-2", flavor="m1.tiny", networks=["none"]), interval=0.2
    )
    assert deployed.kind == "deploy"
    assert len(deployed.server_ids) == 1
    assert images.delete_image(image) is None
    assert images.find_image("three-lines", ignore_missing=True) is None
    with pytest.raises(exceptions.NotFoundException):
        images.delete_image(image, ignore_missing=False)


def test_images_are_found_by_id_and_by_name(shop: Shop) -> None:
    images, golden = shop.proxy(), shop.images["golden"]

    assert images.find_image(golden.id, False).name == "golden"
    assert images.find_image("golden", False).id == golden.id
    assert images.get_image(golden.id).location == "RegionOne"
    nobodys = str(uuid.uuid4())
    for reference in (nobodys, "gold", "../limits", "golden?status=error", "a/b", "x" * 255):
        assert images.find_image(reference, ignore_missing=True) is None
        with pytest.raises(exceptions.NotFoundException):
            images.get_image(reference)
    stranger = shop.office.customers.stranger
    shop.office.cloud.enter_in_clouds_yaml(stranger)
    assert shop.proxy(stranger).find_image(golden.id, ignore_missing=True) is None


def test_lists_follow_pages_and_take_filters(shop: Shop, relay: Relay, beyond_relay: Proxy) -> None:
    first, second = (shop.images[name].id for name in ("golden", "golden-2"))

    assert [one.id for one in beyond_relay.images(limit=1)] == [first, second]
    pages = [one.path for one in relay.seen if one.path.startswith("/v1/images")]
    assert pages == ["/v1/images?limit=1", f"/v1/images?limit=1&marker={first}"]
    assert [one.id for one in beyond_relay.images(sort="created_at:desc")] == [second, first]
    assert [one.name for one in beyond_relay.images(name="golden")] == ["golden"]
    assert list(beyond_relay.images(status="error")) == []
    made = [one.id for one in beyond_relay.tasks(image_id=first, kind="create")]
    assert made == [shop.images["golden"].task_id]


def test_errors_are_those_of_the_sdk_with_our_reason(shop: Shop) -> None:
    images = shop.proxy()
    with shop.office.cloud.connection() as admin:
        operator = add_to(admin)
        held = len(list(images.images()))
        operator.set_limit(shop.project.id, held)
        with pytest.raises(exceptions.ForbiddenException) as caught:
            images.create_image(name="too-many", source_instance_id=shop.server_id)
        operator.unset_limit(shop.project.id)

    assert reason_of(caught.value) == "limit_reached"
    assert caught.value.facts == {"held": held, "max_images": held}  # type: ignore[attr-defined]
    assert "Maximum image limit reached" in str(caught.value)
    with pytest.raises(exceptions.ForbiddenException) as denied:
        images.set_limit(shop.project.id, 99)
    assert reason_of(denied.value) == "forbidden"
    with pytest.raises(exceptions.BadRequestException) as wrong:
        images.create_image(name="x", source_instance_id=str(uuid.uuid4()))
    assert reason_of(wrong.value) == "not_found_in_body"


def test_request_without_an_answer_is_repeated_with_its_key(
    relay: Relay, beyond_relay: Proxy, shop: Shop
) -> None:
    beyond_relay.pauses_seconds = (0.0, 0.0, 0.0)
    relay.next("POST /v1/images", lost, status(502), status(504))

    image = beyond_relay.create_image(name="once", source_instance_id=shop.server_id)

    posts = [one for one in relay.seen if one.method == "POST"]
    assert len(posts) == 4
    assert len({one.headers["Idempotency-Key"] for one in posts}) == 1
    assert [one.id for one in beyond_relay.images(name="once")] == [image.id]
    beyond_relay.wait_for_task(image.task_id, interval=0.2)
    beyond_relay.delete_image(image)


def test_repeated_requests_make_one_scaling_group_and_rates_are_repeated_too(
    relay: Relay, beyond_relay: Proxy, shop: Shop
) -> None:
    beyond_relay.pauses_seconds = (0.0, 0.0, 0.0)
    relay.next("POST /v1/scaling-groups", lost, lost)
    relay.next("POST /v1/rates", lost)
    asked = {"name": "once", "image_id": shop.images["golden"].id, "flavor": "m1.tiny"}
    sizes = {"networks": ["none"], "min_size": 0, "desired_size": 0}

    group = beyond_relay.create_scaling_group(**asked, **sizes)

    posts = [one for one in relay.seen if one.method == "POST"]
    assert len(posts) == 3
    assert len({one.headers["Idempotency-Key"] for one in posts}) == 1
    assert [one.id for one in beyond_relay.scaling_groups()] == [group.id]
    with pytest.raises(exceptions.ConflictException, match="There is a stack named once already"):
        beyond_relay.create_scaling_group(**asked, **sizes)
    with pytest.raises(exceptions.ForbiddenException):
        beyond_relay.set_rate("0.05")
    assert len([one for one in relay.seen if one.path == "/v1/rates"]) == 2
    with shop.office.cloud.connection(shop.project.cloud) as connection:
        connection.orchestration.delete_stack(group.id)


def test_own_key_makes_the_same_image(relay: Relay, beyond_relay: Proxy, shop: Shop) -> None:
    key = str(uuid.uuid4())
    asked = {"name": "keyed", "source_instance_id": shop.server_id, "idempotency_key": key}
    first, second = (beyond_relay.create_image(**asked) for _ in range(2))

    assert first.id == second.id
    with pytest.raises(exceptions.HttpException) as caught:
        beyond_relay.create_image(**(asked | {"name": "another"}))
    assert reason_of(caught.value) == "idempotency_key_reused"
    beyond_relay.wait_for_task(first.task_id, interval=0.2)
    beyond_relay.delete_image(first)


def test_waiting_outlasts_an_outage_and_ends_with_its_time(
    relay: Relay, beyond_relay: Proxy, shop: Shop
) -> None:
    task_id = shop.images["golden"].task_id
    relay.next("GET /v1/tasks", lost, status(503))

    assert beyond_relay.wait_for_task(task_id, interval=0.05).state == "succeeded"
    relay.next("GET /v1/tasks", *[status(503)] * 50)
    with pytest.raises(exceptions.ResourceTimeout, match="It continues"):
        beyond_relay.wait_for_task(task_id, interval=0.05, wait=0.2)


def test_failed_capture_is_told_with_its_reason_and_retried(shop: Shop) -> None:
    images, cloud = shop.proxy(), shop.office.cloud
    server = cloud.boot(shop.project, "bad", metadata={"minicloud_snapshot_fail": "upload"})
    image = images.create_image(name="bad", source_instance_id=server.id)

    with pytest.raises(exceptions.ResourceFailure) as caught:
        images.wait_for_task(image.task_id, interval=0.2)

    failed = images.get_image(image.id)
    assert failed.status == "error"
    assert failed.error in str(caught.value)
    with cloud.connection(shop.project.cloud) as connection:
        connection.compute.delete_server_metadata(server.id, ["minicloud_snapshot_fail"])
    again = images.wait_for_task(images.retry_task(image.task_id), interval=0.2)
    assert images.get_image(again.image_id).status == "available"
    images.delete_image(image)


def test_report_is_saved_whole_or_not_at_all(
    relay: Relay, beyond_relay: Proxy, tmp_path: Path
) -> None:
    path = tmp_path / "usage.json"
    path.write_text("as before")
    relay.next("GET /v1/reports", cut_off)

    with pytest.raises(exceptions.SDKException, match="ended early"):
        beyond_relay.save_report("2026-11", path, "json")

    assert path.read_text() == "as before"
    assert list(tmp_path.iterdir()) == [path]
    size_bytes = beyond_relay.save_report("2026-11", path, "json")
    assert path.stat().st_size == size_bytes
    assert path.read_bytes() == beyond_relay.get_report("2026-11", "json")
    with pytest.raises(exceptions.BadRequestException):
        beyond_relay.save_report("november", tmp_path / "other", "json")
    assert list(tmp_path.iterdir()) == [path]


def test_report_is_read_as_it_arrives(beyond_relay: Proxy) -> None:
    with beyond_relay.open_report("2026-11", "json") as answer:
        etag, name = answer.headers["ETag"], answer.headers["Content-Disposition"]
        assert not answer._content_consumed  # type: ignore[attr-defined]
        content = b"".join(answer.iter_content(1000))

    assert content == beyond_relay.get_report("2026-11", "json")
    assert name.startswith('attachment; filename="cloud-usage-')
    with beyond_relay.open_report("2026-11", "json", etag=etag) as answer:
        assert (answer.status_code, answer.content) == (304, b"")
    with pytest.raises(exceptions.BadRequestException):
        beyond_relay.open_report("november", "json")


def test_offers_are_read(shop: Shop) -> None:
    images = shop.proxy()

    assert [one.name for one in images.locations()] == ["RegionOne"]
    assert [one.id for one in images.locations()] == ["RegionOne"]
    assert {one.group for one in images.choices()} == {"OS Images", "My Images"}
    (limit,) = images.limits()
    assert (limit.account_id, limit.location) == (shop.project.id, "RegionOne")
    assert list(images.scaling_groups()) == []
    assert list(images.months()) == []
    assert images.find_scaling_group("web", ignore_missing=True) is None


def test_clouds_yaml_can_name_the_hook(shop: Shop) -> None:
    hook = "instance_images_client.sdk:vendor_hook"

    connection = shop.connection(vendor_hook=hook)

    assert [one.name for one in connection.instance_images.images(name="golden")] == ["golden"]  # type: ignore[attr-defined]


def test_service_missing_from_the_catalog_is_an_error_of_its_use_alone(shop: Shop) -> None:
    connection: Connection = shop.connection(instance_images_service_type="elsewhere")
    vendor_hook(connection)

    assert connection.compute.find_server("web-1", ignore_missing=True) is not None
    with pytest.raises(exceptions.SDKException):
        list(connection.instance_images.images())  # type: ignore[attr-defined]
