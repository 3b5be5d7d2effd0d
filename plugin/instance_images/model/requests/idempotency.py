"""Requests that can be repeated: what makes two of them the same one. Pure.

The ids of what a request makes follow from the caller's key for it, so that the primary keys of the
tables let it be made once, over all processes. There is no table of keys, and no key expires.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from instance_images.model.capture_journal import Journal

# Never another one: with it, every key of the past would name something else.
_NAMESPACE = uuid.UUID("3b0f7c1e-5a86-5d0b-9c7e-8f4d0a6f2e11")
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
# So many keys of retries fit into the journal of their task.
_RETRIES_KEPT = 20


@dataclass(frozen=True, slots=True)
class RequestIds:
    """The ids that a request gives to what it makes.

    ``digest`` tells it from another request with the same key; it is None for a request that cannot
    be repeated. A deployment makes no image, and its ``image_id`` is not used.
    """

    task_id: str
    image_id: str
    digest: str | None = None

    def written_into(self, journal: Journal) -> dict[str, Any]:
        """Return the journal with the digest of the request."""
        return {**journal} if self.digest is None else {**journal, "request": self.digest}


def fault_of_key(key: str) -> str | None:
    """Return why the key cannot be used, or None if it can."""
    if _KEY.fullmatch(key):
        return None
    return "The idempotency key is invalid: give 1 to 255 printable ASCII characters."


def ids_of_request(
    account_id: str, location: str, kind: str, key: str | None, request: Mapping[str, Any]
) -> RequestIds:
    """Return the ids of a request of the account: new ones where the caller gave no key.

    ``request`` holds everything that the caller asked for, as JSON values or bytes.
    """
    if key is None:
        return RequestIds(str(uuid.uuid4()), str(uuid.uuid4()))
    return RequestIds(
        task_id=_id_of(account_id, location, f"{kind} task", key),
        image_id=_id_of(account_id, location, f"{kind} image", key),
        digest=hashlib.sha256(_text(request).encode()).hexdigest(),
    )


def id_of_retry(account_id: str, location: str, task_id: str, key: str | None) -> str | None:
    """Return what names one retry of the task; None where the caller gave no key."""
    return None if key is None else _id_of(account_id, location, f"retry {task_id}", key)


def is_of_request(journal: Journal, ids: RequestIds) -> bool:
    """Return whether a task with that journal was made by the same request."""
    return ids.digest is not None and journal.get("request") == ids.digest


def was_retried(journal: Journal, retry_id: str | None) -> bool:
    """Return whether the task was begun again by that retry."""
    return retry_id is not None and retry_id in journal.get("retries", ())


def with_retry(journal: Journal, before: Journal, retry_id: str | None) -> dict[str, Any]:
    """Return the journal of the next attempt; what makes requests the same ones is kept."""
    kept = {key: before[key] for key in ("request", "retries") if key in before}
    if retry_id is not None:
        kept["retries"] = [*kept.get("retries", ()), retry_id][-_RETRIES_KEPT:]
    return {**journal, **kept}


def without_retry(journal: Journal) -> dict[str, Any]:
    """Return the journal without the last retry, which was refused: its repetition is a new one."""
    return {**journal, "retries": journal["retries"][:-1]} if "retries" in journal else {**journal}


def _id_of(account_id: str, location: str, kind: str, key: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, json.dumps([account_id, location, kind, key])))


def _text(request: Mapping[str, Any]) -> str:
    return json.dumps(request, sort_keys=True, default=lambda value: value.hex())
