"""Reports passed on from the service to the browser: as files, and as the content of a frame.

Nothing is held in memory as a whole.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.http import HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.utils import translation
from django.utils.html import format_html

from instance_images_dashboard import api

CHUNK_BYTES = 64 * 1024
# What the service says of its HTML; here for one that says nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
_OF_FILES = ("Content-Disposition", "Content-Length", "ETag", "Cache-Control")
_PAGE = (
    '<!doctype html>\n<html lang="{}">\n<head>\n<meta charset="utf-8">\n<title>{}</title>\n'
    "<style>body {{ font-family: sans-serif; margin: 0 }}</style>\n</head>\n<body>\n"
)


class Chunks:
    """The content of an answer, as it arrives."""

    def __init__(self, answer: Any, before: bytes = b"", after: bytes = b"") -> None:
        self._answer, self._before, self._after = answer, before, after

    def __iter__(self) -> Iterator[bytes]:
        """Yield the content; raises if it ends early, so that the browser learns of it."""
        content = self._answer.iter_content(CHUNK_BYTES)
        return iter(chain(filter(None, [self._before]), content, filter(None, [self._after])))

    def close(self) -> None:
        """Close the answer, read or not."""
        self._answer.close()


def passed_on(answer: Any) -> HttpResponse | StreamingHttpResponse:
    """Return the service's file for the browser to save, or that its copy is current."""
    if answer.status_code == 304:
        answer.close()
        response: Any = HttpResponseNotModified()
    else:
        response = StreamingHttpResponse(
            Chunks(answer), content_type=answer.headers.get("Content-Type")
        )
        response["X-Content-Type-Options"] = "nosniff"
    for name in _OF_FILES:
        if name in answer.headers:
            response[name] = answer.headers[name]
    if "Content-Encoding" in answer.headers:  # it is decoded here
        del response["Content-Length"]
    return response


def framed(title: str, answer: Any) -> StreamingHttpResponse:
    """Return the service's HTML for a frame in a page of Horizon; ``title`` as a whole page."""
    content = Chunks(answer, _begin(title), b"\n</body>\n</html>\n")
    policy = answer.headers.get("Content-Security-Policy", POLICY)
    return _for_frame(StreamingHttpResponse(content), policy)


def framed_page(answer: Any) -> StreamingHttpResponse:
    """Return a whole HTML page of the service for a frame in a page of Horizon."""
    policy = answer.headers.get("Content-Security-Policy", POLICY)
    return _for_frame(StreamingHttpResponse(Chunks(answer)), policy)


def framed_trouble(title: str, error: api.ApiError) -> HttpResponse:
    """Return why there is no report, for the frame."""
    sentence = format_html("<p>{}</p>\n</body>\n</html>\n", error.message)
    return _for_frame(HttpResponse(_begin(title) + str(sentence).encode()), POLICY)


def _begin(title: str) -> bytes:
    return str(format_html(_PAGE, translation.get_language() or "en", title)).encode()


def _for_frame(response: Any, policy: str) -> Any:
    """Return the answer with what keeps its content inside: no scripts, no other site's frame."""
    response["Content-Type"] = "text/html; charset=utf-8"
    response["Content-Security-Policy"] = policy
    response["X-Frame-Options"] = "SAMEORIGIN"  # Horizon's own is DENY
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response
