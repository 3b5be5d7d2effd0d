"""Posts a notice to a webhook, signed, and turns what goes wrong into one sentence.

The connection is direct: no proxy is used and no redirect is followed. The whole request has a
deadline, and of the answer no more is read than its status and some bytes.
"""

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from instance_images.config.redaction import register
from instance_images.errors import ConfigurationError, InstanceImagesError, UsageError
from instance_images.names import printable
from instance_images_reports.budgets.tables import MAX_URL_CHARACTERS
from instance_images_reports.config import BudgetSettings

SIGNATURE_HEADER = "Instance-Images-Signature"
DEADLINE_SECONDS = 10.0
MIN_SECRET_BYTES = 16
_MAX_ANSWER_BYTES = 16_384
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class WebhookFailed(InstanceImagesError):
    """The webhook did not take the notice; trying again may help.

    ``is_unreachable``: no answer came, so that another request to the same server is pointless now.
    """

    code = "webhook_failed"

    def __init__(self, reason: str, *, is_unreachable: bool) -> None:
        super().__init__(reason)
        self.is_unreachable = is_unreachable


@dataclass(frozen=True, slots=True)
class Request:
    """A signed request: the body and its headers."""

    body: bytes
    headers: dict[str, str]


def parse_webhook(text: str) -> str:
    """Return the URL of a webhook. Raises UsageError where it is not usable."""
    with contextlib.suppress(ValueError):
        url = urlsplit(text)
        is_plain = text.isascii() and text.isprintable() and " " not in text
        if (
            is_plain
            and url.scheme in ("http", "https")
            and _is_host(url.hostname or "")
            and url.port != 0
            and "@" not in url.netloc
            and not url.fragment
            and len(text) <= MAX_URL_CHARACTERS
        ):
            return text
    raise UsageError(
        "The URL of the webhook is not usable: write http:// or https://, a host and a path in"
        f" ASCII, at most {MAX_URL_CHARACTERS} characters, without a user, a password or a"
        " fragment."
    )


def _is_host(name: str) -> bool:
    if _HOST.fullmatch(name):
        return True
    with contextlib.suppress(ValueError):
        return bool(ipaddress.IPv6Address(name))
    return False


def origin_of(url: str) -> str:
    """Return scheme, host and port: the rest of a webhook's URL may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def read_secret(settings: BudgetSettings) -> bytes:
    """Return the secret that requests are signed with. Raises ConfigurationError."""
    path = settings.webhook_secret_file
    if path is None:
        raise ConfigurationError(
            "Configuration: notices to webhooks are signed, but [budget] webhook_secret_file is not"
            " set: create a file with a random secret, such as that of 'openssl rand -hex 32'."
        )
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(
            f"Configuration: [budget] webhook_secret_file = {path} cannot be read:"
            f" {error.strerror or error}."
        ) from error
    if len(secret) < MIN_SECRET_BYTES:
        raise ConfigurationError(
            f"Configuration: the secret in [budget] webhook_secret_file = {path} is shorter than"
            f" {MIN_SECRET_BYTES} bytes: create a random one, such as that of 'openssl rand -hex"
            " 32'."
        )
    register([secret.decode("utf-8", "replace")])
    return secret


def signed(body: bytes, notice_id: str, secret: bytes, now: datetime) -> Request:
    """Return the request that carries the body.

    The signature is the HMAC-SHA256, in hexadecimal, of the timestamp, a point and the body.
    """
    timestamp = str(int(now.timestamp()))
    digest = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "instance-images",
        "Idempotency-Key": notice_id,
        SIGNATURE_HEADER: f"t={timestamp},v1={digest}",
        "Connection": "close",
    }
    return Request(body, headers)


def post(
    url: str, request: Request, ca_file: Path | None, deadline_seconds: float = DEADLINE_SECONDS
) -> None:
    """Post the request. Raises WebhookFailed unless the answer is one of success (2xx)."""
    parts = urlsplit(url)
    connection = _connection(parts, ca_file, deadline_seconds)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    with _told(origin_of(url)), _deadline(connection, deadline_seconds):
        try:
            connection.request("POST", path, request.body, request.headers)
            answer = connection.getresponse()
            answer.read(_MAX_ANSWER_BYTES)
        finally:
            connection.close()
    if not 200 <= answer.status < 300:
        redirected = " Redirects are not followed." if 300 <= answer.status < 400 else ""
        raise WebhookFailed(
            f"The webhook at {origin_of(url)} answered {answer.status}.{redirected}",
            is_unreachable=False,
        )


class _TlsConnection(http.client.HTTPSConnection):
    """Shakes hands after its socket is known, so that a deadline can end a handshake as well."""

    def __init__(self, host: str, port: int | None, timeout: float, context: ssl.SSLContext):
        super().__init__(host, port, timeout=timeout, context=context)
        self._tls = context

    def connect(self) -> None:
        """Connect, and encrypt."""
        http.client.HTTPConnection.connect(self)
        wrapped = self._tls.wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock = wrapped
        wrapped.do_handshake()


def _connection(
    parts: SplitResult, ca_file: Path | None, timeout_seconds: float
) -> http.client.HTTPConnection:
    assert parts.hostname is not None
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_seconds)
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"Configuration: [budget] webhook_ca_file = {ca_file} contains no usable certificates:"
            f" {error.strerror or error}."
        ) from error
    return _TlsConnection(parts.hostname, parts.port, timeout_seconds, context)


@contextlib.contextmanager
def _deadline(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """End the connection when the time is over, however slowly the server goes on talking."""

    def end() -> None:
        with contextlib.suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _told(origin: str) -> Iterator[None]:
    """Turn what goes wrong into one sentence, without the path of the URL."""
    try:
        yield
    except ssl.SSLError as error:
        reason = printable(getattr(error, "verify_message", "") or error.reason or "TLS failed")
        raise WebhookFailed(
            f"The webhook at {origin} cannot be trusted or does not speak TLS: {reason}.",
            is_unreachable=True,
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise WebhookFailed(
            f"The webhook at {origin} gave no usable answer: {printable(reason)[:200]}.",
            is_unreachable=True,
        ) from error
