"""The access log: one line per request, with ids and without tokens or names."""

import logging
import time
from collections.abc import Iterable
from typing import Any

from oslo_context.context import RequestContext

from instance_images_api.http.errors import fault
from instance_images_api.middleware.public_paths import Environ, StartResponse, Wsgi, respond

LOG = logging.getLogger(__name__)

# Where the application writes down which route it was, and whose request.
ROUTE, USER, PROJECT = "instance_images.route", "instance_images.user", "instance_images.project"


class AccessLog:
    """Logs each request when its answer begins; what nobody caught is answered as a fault."""

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        began = time.monotonic()
        # A thread serves one request after another: each has its own id in the log.
        RequestContext(request_id=environ.get("openstack.request_id"), overwrite=True)
        told: list[str] = []

        def remember(status: str, headers: Any, exc_info: Any = None) -> Any:
            told[:] = [status]
            return start_response(status, headers, exc_info)

        try:
            body = self._application(environ, remember)
        except Exception:
            LOG.exception("Request %s failed.", environ.get("openstack.request_id"))
            error = fault(environ.get("openstack.request_id", ""))
            body = respond(environ, remember, error)
        LOG.info(
            "request_id=%s global_request_id=%s user=%s project=%s %s %s %s %d ms",
            environ.get("openstack.request_id", "-"),
            environ.get("openstack.global_request_id", "-"),
            environ.get(USER, "-"),
            environ.get(PROJECT, "-"),
            environ["REQUEST_METHOD"],
            environ.get(ROUTE, "-"),
            told[0].split()[0] if told else "-",
            (time.monotonic() - began) * 1000,
        )
        return body
