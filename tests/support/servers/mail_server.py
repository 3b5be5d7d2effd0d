"""A real SMTP server on this machine, with encryption, log-in and moods, for tests of mail."""

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "reports", "s3cret-password"


@dataclass(kw_only=True)
class MailServer:
    """What the server was sent, and what it refuses."""

    refused: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 taken"
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[object] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    # The connection is cut at MAIL of these: the first mail that is begun is 1.
    drop_before: set[int] = field(default_factory=set)
    begun: int = 0
    mails_per_session: int | None = None
    seconds_per_mail: float = 0

    async def handle_EHLO(  # noqa: N802 - the library's name
        self,
        server: Any,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Count the connections: each says hello first, and once more after STARTTLS."""
        if session.host_name is None:
            self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802 - the library's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Begin a mail, or end the connection."""
        self.begun += 1
        if self.begun in self.drop_before:
            server.transport.abort()
            return "421 gone"
        taken = getattr(session, "taken", 0)
        if self.mails_per_session is not None and taken >= self.mails_per_session:
            return "421 too many mails in this session"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        """Take or refuse the mail."""
        assert isinstance(envelope.content, bytes)
        await asyncio.sleep(self.seconds_per_mail)
        session.taken = getattr(session, "taken", 0) + 1  # type: ignore[attr-defined]
        if self.data_answer.startswith("2"):
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.messages.append(message)
            self.recipients.append(list(envelope.rcpt_tos))
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
            self.users.append(session.auth_data)
        return self.data_answer

    def log_in(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Let the one user in."""
        assert isinstance(data, LoginPassword)
        known = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        return AuthResult(success=known, handled=False, auth_data=data.login.decode())


@contextlib.contextmanager
def running(security: str = "none", certificate: Path | None = None) -> Iterator[MailServer]:
    """Run a server that offers ``starttls``, speaks ``tls``, or does neither."""
    mail = MailServer()
    logging.getLogger("mail.log").propagate = False  # what the server tells is not ours
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def protocol() -> SMTP:
        return SMTP(
            mail,
            hostname="mail.example",
            tls_context=context if security == "starttls" else None,
            authenticator=mail.log_in,
            auth_required=False,
            auth_require_tls=security == "starttls",
            loop=loop,
        )

    loop = asyncio.new_event_loop()
    listening = loop.create_server(
        protocol, "127.0.0.1", 0, ssl=context if security == "tls" else None
    )
    server = loop.run_until_complete(listening)
    mail.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield mail
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def make_certificate(path: Path, address: str = "127.0.0.1") -> Path:
    """Write a certificate for the address, with its key; it vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
