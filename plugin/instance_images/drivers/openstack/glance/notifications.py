"""Glance's notifications, as its services send them to the message broker, in our types.

Whoever has the broker's password of any service can send a payload, so it proves nothing: whoever
takes it asks Glance. An id becomes part of a URL, so it must look like Glance's.
"""

from collections.abc import Mapping
from typing import Any

from instance_images.drivers.openstack.glance.images import cloud_image
from instance_images.drivers.openstack.service import INSTANCE_ID
from instance_images.instants import parse_instant
from instance_images.model.cloud import Notice, NoticeKind
from instance_images.names import is_storable_id

# Each with the key of the payload that says when it happened; all are whole seconds of UTC.
_KINDS = {
    "image.activate": (NoticeKind.ACTIVE, "updated_at"),
    "image.update": (NoticeKind.CHANGED, "updated_at"),
    "image.delete": (NoticeKind.DELETED, "deleted_at"),
}


def read_notification(event_type: str, payload: object) -> Notice | None:
    """Return what a notification of Glance tells of an image."""
    if not isinstance(event_type, str) or event_type not in _KINDS:
        return None
    kind, key = _KINDS[event_type]
    try:
        if not isinstance(payload, Mapping):
            raise TypeError(f"a payload of {type(payload).__name__}")
        if not INSTANCE_ID.fullmatch(payload["id"]):
            raise ValueError("the id of the image is no UUID")
        if payload["owner"] is not None and not is_storable_id(payload["owner"]):
            raise ValueError("the owner of the image is no id")
        return Notice(kind, cloud_image(_body(payload)), parse_instant(payload[key]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{event_type}: {type(error).__name__}: {error}") from error


def _body(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the image as Glance's API shows it, where properties stand beside all else."""
    shown = "public" if payload.get("is_public") else "private"
    return {**(payload.get("properties") or {}), "visibility": shown, **payload}
