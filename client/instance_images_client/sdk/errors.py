"""The service's ``reason`` on the errors of openstacksdk."""

from typing import Any

import requests
from openstack import exceptions


def reason_of(error: BaseException) -> str | None:
    """Return why the service refused, such as ``limit_reached``; None where it gave no reason."""
    return getattr(error, "reason", None)


def raise_with_reason(response: requests.Response) -> None:
    """Raise the SDK's error of an answer that is one.

    Its ``reason`` is the service's, and ``facts`` are what else the answer states, such as ``held``
    and ``max_images``.
    """
    try:
        exceptions.raise_from_response(response)
    except exceptions.HttpException as error:
        told = _error_of(response)
        error.reason = told.get("reason")  # type: ignore[attr-defined]
        known = {"code", "title", "reason", "message", "request_id"}
        error.facts = {  # type: ignore[attr-defined]
            name: value for name, value in told.items() if name not in known
        }
        raise


def _error_of(response: requests.Response) -> dict[str, Any]:
    try:
        told = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return told if isinstance(told, dict) else {}
