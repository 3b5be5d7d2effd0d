"""Which paths need no token, and what keystonemiddleware answers, in the shape of our errors.

Every other path passes auth_token. A request that auth_token has not confirmed reaches no handler.
"""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from instance_images_api.http.errors import AUTHENTICATE, RETRY_AFTER_SECONDS, ApiError

LOG = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]

_REACHED = "instance_images.reached"
_STATUS = "HTTP_X_IDENTITY_STATUS"


class PublicPaths:
    """Passes the requests of these methods and paths on without a look at their tokens."""

    def __init__(self, public: Wsgi, protected: Wsgi, paths: set[tuple[str, str]]) -> None:
        self._public, self._protected, self._paths = public, protected, paths

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        asked = (environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
        if asked in self._paths:
            environ.pop(_STATUS, None)  # nobody has checked who it is
            return self._public(environ, start_response)
        return self._protected(environ, start_response)


class ConfirmedOnly:
    """Stands behind auth_token, and lets through what it has confirmed."""

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ[_REACHED] = True
        service = environ.get("HTTP_X_SERVICE_IDENTITY_STATUS", "Confirmed")
        if environ.get(_STATUS) != "Confirmed" or service != "Confirmed":
            return respond(environ, start_response, _rejected([]))
        return self._application(environ, start_response)


class AuthErrors:
    """Stands before auth_token, and answers in our shape where it answers itself."""

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        told: list[Any] = []

        def remember(status: str, headers: Any, exc_info: Any = None) -> Any:
            told[:] = [status, headers, exc_info]
            return lambda _data: None

        try:
            body = self._application(environ, remember)
        except Exception:
            if environ.get(_REACHED):
                raise
            # It stumbles over a Keystone that hangs, and over a proxy's page in its place.
            request_id = environ.get("openstack.request_id")
            LOG.warning("Could not check the token of request %s.", request_id, exc_info=True)
            return respond(environ, start_response, _unavailable())
        status, headers, exc_info = told
        if environ.get(_REACHED):
            start_response(status, headers, exc_info)
            return body
        close = getattr(body, "close", None)
        if close is not None:
            close()
        code = int(status.split()[0])
        if code == 401:
            return respond(environ, start_response, _rejected(headers))
        return respond(environ, start_response, _unavailable())


def respond(environ: Environ, start_response: StartResponse, error: ApiError) -> Iterable[bytes]:
    """Answer with an error."""
    body = error.body(environ.get("openstack.request_id", ""))
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **error.headers,
    }
    start_response(f"{error.status} {HTTPStatus(error.status).phrase}", list(headers.items()))
    return [body]


def _rejected(headers: Iterable[tuple[str, str]]) -> ApiError:
    kept = {name: value for name, value in headers if name.lower() == "www-authenticate"}
    return ApiError(401, None, AUTHENTICATE, headers=kept)


def _unavailable() -> ApiError:
    return ApiError(
        503,
        "cloud_unavailable",
        "Keystone does not answer, so that your token cannot be checked: try again.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
