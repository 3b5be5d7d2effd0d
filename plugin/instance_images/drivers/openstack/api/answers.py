"""What the answers of services say, as text for a person. Asks nobody."""

import html
import re
from typing import Any
from urllib.parse import urlsplit

from instance_images.config.redaction import redact
from instance_images.errors import TooDeep
from instance_images.names import printable

LONGEST_PAGE = 64 * 1024  # characters of an error that are looked at


def retry_after_seconds(answer: Any) -> int | None:
    """Return how long the service asked to be left alone; a date there counts as nothing said."""
    text = str(answer.headers.get("Retry-After", ""))
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else None


def may_be_json(content: bytes) -> bool:
    """Return whether an answer is empty, or begins as JSON does; whoever reads it sees its end."""
    return content[:64].lstrip()[:1] in (b"", b"{", b"[", b"n")


def body_of(answer: Any) -> Any:
    """Return the JSON of an answer that holds a customer's own documents. Raises TooDeep."""
    try:
        return answer.json()
    except RecursionError as error:
        raise TooDeep("A document in the service's answer is nested too deeply.") from error


def reason_of(answer: Any) -> str:
    """Return the service's own words from an error answer, JSON or HTML."""
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        page = answer.text[:LONGEST_PAGE]
        text = re.sub(r"<title>.*?</title>|<[^>]*>", " ", page, flags=re.DOTALL)
        return one_line(html.unescape(text))
    if isinstance(body, dict):
        for value in body.values():
            if isinstance(value, dict) and "message" in value:
                return one_line(html.unescape(str(value["message"])))  # Cinder's are HTML
    return one_line(str(body))


def one_line(text: str) -> str:
    """Return the text as one sentence of at most 400 characters, without passwords and tokens."""
    line = printable(" ".join(redact(text).split()))[:400]  # cut off when nothing is to be hidden
    return line if line.endswith((".", "!", "?")) else line + "."


def address_of(url: str) -> str:
    """Return host, port and path of a URL: without its scheme, version and slashes at the end."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = re.sub(r"(/v[0-9.]+)?/*$", "", parts.path)
    return f"{(parts.hostname or '').lower()}:{port}{path}"
