"""Requests to the service: keys of POST requests, their repetition, and errors with a reason."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

import requests
from keystoneauth1.exceptions import ConnectFailure, ConnectTimeout, UnknownConnectionError
from openstack import proxy

from instance_images_client.sdk.errors import raise_with_reason

KEY = "Idempotency-Key"
# Answers of a proxy in front of a service that gave none.
_UNANSWERED = (502, 504)


class SendingProxy(proxy.Proxy):
    """Sends requests. Each POST has a key, and is repeated with it if no answer came."""

    #: Seconds before each repetition.
    pauses_seconds: tuple[float, ...] = (0.5, 2.0, 5.0)

    def request(self, url: str, method: str, *arguments: Any, **more: Any) -> requests.Response:
        """Send a request; raise the SDK's error with our ``reason`` if it is refused."""
        repetitions: list[float] = []
        if method == "POST":
            given: Mapping[str, str] = more.pop("headers", None) or {}
            more["headers"] = {KEY: str(uuid.uuid4()), **given}
            # The service makes nothing twice. A rate that is set again replaces itself.
            repetitions += self.pauses_seconds
        for pause_seconds in repetitions:
            try:
                response = super().request(url, method, *arguments, **more)
            except (ConnectFailure, ConnectTimeout, UnknownConnectionError):
                time.sleep(pause_seconds)
                continue
            if response.status_code not in _UNANSWERED:
                break
            time.sleep(pause_seconds)
        else:
            response = super().request(url, method, *arguments, **more)
        raise_with_reason(response)
        return response
