"""Refuses bodies that are too large before anything is asked of Keystone.

A body must say how long it is: what comes in pieces of any number is not read.
"""

from collections.abc import Iterable

from instance_images_api.http.errors import ApiError
from instance_images_api.middleware.public_paths import Environ, StartResponse, Wsgi, respond

DEFAULT_BYTES = 112 * 1024


class SizeLimit:
    """Lets requests pass whose bodies have at most so many bytes."""

    def __init__(self, application: Wsgi, most_bytes: int) -> None:
        self._application, self._most_bytes = application, most_bytes

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        error = self._fault_of(environ)
        if error is not None:
            return respond(environ, start_response, error)
        return self._application(environ, start_response)

    def _fault_of(self, environ: Environ) -> ApiError | None:
        if environ.get("HTTP_TRANSFER_ENCODING"):
            return ApiError(411, "usage", "Send the body with Content-Length.")
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdecimal()):
            return ApiError(400, "usage", "Content-Length is not a number.")
        if len(length) > 12 or int(length) > self._most_bytes:
            return ApiError(413, "usage", f"The body has more than {self._most_bytes} bytes.")
        return None
