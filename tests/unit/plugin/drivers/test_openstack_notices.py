"""What is read of Glance's notifications, and which of them say nothing."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from instance_images.drivers.openstack.glance.notifications import read_notification
from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    DatabaseUnavailable,
    Refused,
    UsageError,
)
from instance_images.events import broker
from instance_images.events.broker import Handler
from instance_images.model.cloud import NoticeKind

PAYLOAD: dict[str, Any] = {
    "id": "6f0a2c1e-8f3b-4a57-9a6b-2d7a3f9e5c11",
    "name": "own",
    "owner": "p",
    "status": "active",
    "size": 4096,
    "virtual_size": None,
    "created_at": "2026-11-02T10:00:00Z",
    "updated_at": "2026-11-02T10:00:05Z",
    "deleted_at": None,
    "properties": {},
    "is_public": False,
    "min_disk": 0,
    "min_ram": 0,
    "disk_format": "raw",
    "container_format": "bare",
}


def read(event_type: str, payload: object) -> Any:
    return read_notification(event_type, payload)


def test_notice_has_its_kind_and_its_own_instant() -> None:
    notice = read("image.activate", PAYLOAD)

    assert notice.kind is NoticeKind.ACTIVE
    assert notice.happened_at == datetime(2026, 11, 2, 10, 0, 5, tzinfo=UTC)
    assert notice.image.owner_id == "p"
    assert read("image.prepare", PAYLOAD) is None


@pytest.mark.parametrize("bad", ["", "yesterday", "2026-13-01T00:00:00Z", None, 7])
def test_notice_with_a_bad_instant_is_none(bad: object) -> None:
    with pytest.raises(ValueError, match=r"image\.activate"):
        read("image.activate", {**PAYLOAD, "updated_at": bad})


@pytest.mark.parametrize("bad", ["\0", "\ud800", "o" * 65, 5, ["p"], {"p": 1}])
def test_owner_that_no_record_can_have_is_looked_up_nowhere(bad: object) -> None:
    with pytest.raises(ValueError, match="the owner of the image is no id"):
        read("image.activate", {**PAYLOAD, "owner": bad})


@pytest.mark.parametrize("bad", ["\0", "m" * 65, 5, ["m"]])
def test_mark_that_no_record_can_have_is_none(bad: object) -> None:
    marked = {**PAYLOAD, "properties": {"instance_images_request": bad}}

    assert read("image.activate", marked).image.claims.request_id is None


@pytest.mark.parametrize("bad", [["image.activate"], {}, None, 5])
def test_event_of_no_type_is_none(bad: Any) -> None:
    assert read(bad, PAYLOAD) is None


@pytest.mark.parametrize("bad", ["../../v3/users", "i", "", None, 5])
def test_id_that_is_no_uuid_never_becomes_part_of_a_url(bad: object) -> None:
    with pytest.raises(ValueError, match=r"image\.delete"):
        read("image.delete", {**PAYLOAD, "id": bad, "deleted_at": "2026-11-02T10:00:06Z"})


@pytest.mark.parametrize("bad", [None, "", [], {}, {"id": "i"}])
def test_payload_that_is_no_image_is_none(bad: object) -> None:
    with pytest.raises(ValueError, match=r"image\.delete"):
        read("image.delete", bad)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, "handled"),
        (CloudUnavailable("away", None), "again"),
        (DatabaseUnavailable("away"), "again"),
        (ConfigurationError("wrong"), "again"),
        (Refused("never"), "handled"),
        (UsageError("never"), "handled"),
        (ZeroDivisionError("a bug"), "handled"),
    ],
)
def test_only_what_may_pass_has_a_message_given_again(
    error: Exception | None, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "PAUSE_SECONDS", 0)
    results = SimpleNamespace(REQUEUE="again", HANDLED="handled")
    messaging = SimpleNamespace(NotificationResult=results)

    def handle(_event_type: str, _payload: object) -> None:
        if error is not None:
            raise error

    handler: Handler = handle
    endpoint = broker._Endpoint(messaging, handler, broker.threading.Event())

    assert endpoint.info({}, "glance", "image.activate", PAYLOAD, {}) == result
