"""How errors are answered: the status, a stable reason, and Keystone's shape.

keystoneauth and openstacksdk print the ``message`` of this shape, and of no newer one.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from instance_images.errors import (
    CloudUnavailable,
    ConfigurationError,
    FeatureNotEnabled,
    IdempotencyKeyReused,
    InstanceImagesError,
    LimitReached,
    NotFound,
    Refused,
    SchemaOutOfDate,
    TokenRejected,
    TooManyRequests,
    TooManyRights,
    UsageError,
)

RETRY_AFTER_SECONDS = 10
AUTHENTICATE = "The request you have made requires authentication."


class ApiError(Exception):
    """An answer that is an error. ``facts`` are further members of the object."""

    def __init__(
        self,
        status: int,
        reason: str | None,
        message: str,
        facts: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message
        self.facts, self.headers = dict(facts or {}), dict(headers or {})

    def body(self, request_id: str) -> bytes:
        """Return the JSON of the answer."""
        error: dict[str, Any] = {"code": self.status, "title": HTTPStatus(self.status).phrase}
        if self.reason is not None:
            error["reason"] = self.reason
        error |= {"message": self.message, **self.facts, "request_id": request_id}
        return json.dumps({"error": error}).encode()


def usage(message: str) -> ApiError:
    """Return the error of a request that is not as the document says."""
    return ApiError(400, "usage", message)


def fault(request_id: str) -> ApiError:
    """Return the error of a fault of ours: its cause is in the log alone."""
    return ApiError(500, "error", f"The request failed. Give your provider the id {request_id}.")


def busy() -> ApiError:
    """Return the error of a request that would have to wait for others."""
    message = "The service is busy with other requests. Nothing was started: try again."
    return ApiError(503, "busy", message, headers={"Retry-After": "1"})


def missing(noun: str) -> ApiError:
    """Return the error of a path that names nothing of the caller's account."""
    return ApiError(404, "not_found", f"No {noun} of that id was found.")


def answer_of(error: InstanceImagesError, request_id: str, noun: str | None = None) -> ApiError:
    """Return how an error of an operation is answered; ``noun`` is the kind of what the path names.

    What the path names and nobody has, or somebody else, is answered with the same bytes.
    """
    message = str(error)
    match error:
        case NotFound() if error.kind == noun:
            return missing(error.kind.lower())
        case UsageError():
            return usage(message)
        case TokenRejected():
            return ApiError(401, None, AUTHENTICATE)
        case LimitReached():
            facts = {"held": error.held, "max_images": error.max_images}
            return ApiError(403, error.code, message, facts)
        case TooManyRequests():
            headers = {"Retry-After": str(error.retry_after_seconds)}
            return ApiError(429, error.code, message, headers=headers)
        case FeatureNotEnabled() | TooManyRights():
            return ApiError(403, error.code, message)
        case NotFound():
            return ApiError(400, "not_found_in_body", message)
        case IdempotencyKeyReused():
            return ApiError(422, error.code, message)
        case Refused():
            return ApiError(409, error.code, message)
        case SchemaOutOfDate():  # while an upgrade is under way
            return _unavailable(error, None)
        case ConfigurationError():
            return fault(request_id)
        case CloudUnavailable():
            return _unavailable(error, error.retry_after_seconds)
    if error.code in ("database_unavailable", "transaction_conflict"):
        return _unavailable(error, None)
    return fault(request_id)


def _unavailable(error: InstanceImagesError, retry_after_seconds: int | None) -> ApiError:
    """Return the error that says that nothing was started, or names the recorded task.

    What failed is in the log alone, for it names hosts and files.
    """
    is_cloud = isinstance(error, CloudUnavailable)
    what = "A service of the cloud" if is_cloud else "The database"
    task_id = getattr(error, "task_id", None)
    started = "Nothing was started: try again."
    if task_id is not None:
        started = f"The request is recorded as task {task_id}: look at it before you try again."
    return ApiError(
        503,
        "cloud_unavailable" if is_cloud else "database_unavailable",
        f"{what} does not answer. {started}",
        headers={"Retry-After": str(retry_after_seconds or RETRY_AFTER_SECONDS)},
    )
