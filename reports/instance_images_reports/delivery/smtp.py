"""Sends mails through the operator's SMTP server, and turns its answers into errors of ours."""

import contextlib
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage

from instance_images.config.redaction import redact, register
from instance_images.errors import (
    ConfigurationError,
    InstanceImagesError,
    MailUnavailable,
    Refused,
)
from instance_images.names import printable
from instance_images_reports.config import MailSettings

_MAX_REASON_CHARACTERS = 200
_PATIENCE_SECONDS = (0.0, 2.0, 10.0, 30.0)


def send(settings: MailSettings, message: EmailMessage, recipients: Sequence[str]) -> list[str]:
    """Send the mail; return what the server said of each recipient whom it does not serve.

    Raises Refused where it serves none of them or does not take the mail, ConfigurationError where
    it does not let us in, and MailUnavailable where trying again may help: nothing is sent then.
    """
    with Session(settings, patience=()) as session:
        return session.send(message, recipients)


class Session:
    """A connection to the server, for many mails; it connects again where it was lost.

    The first mail connects, if it was not used as a context.

    ``patience`` are the seconds to wait before each new attempt of a mail, by default 0, 2, 10 and
    30. A mail is only tried again where the connection was lost: what the server answers about a
    mail is raised.
    """

    def __init__(
        self,
        settings: MailSettings,
        patience: Sequence[float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings, self._sleep = settings, sleep
        self._patience = _PATIENCE_SECONDS if patience is None else patience
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> "Session":
        """Connect, so that a wrong configuration is told before anything is made."""
        self._connected()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_connected(self) -> bool:
        """Whether the server answered at last: it did not where an error is one of the network."""
        return self._server is not None and self._server.sock is not None

    def send(
        self,
        message: EmailMessage,
        recipients: Sequence[str],
        before_retry: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Send the mail as ``send`` does; call ``before_retry`` before each further attempt."""
        for wait in self._patience:
            try:
                return self._send_once(message, recipients)
            except MailUnavailable:
                if self.is_connected:
                    raise
            self.close()
            self._sleep(wait)
            before_retry()
        return self._send_once(message, recipients)

    def _send_once(self, message: EmailMessage, recipients: Sequence[str]) -> list[str]:
        server = self._connected()
        with _told(self._settings):
            refused = server.send_message(message, to_addrs=recipients)
        return [f"{name}: {_answer(*answer)}" for name, answer in sorted(refused.items())]

    def _connected(self) -> smtplib.SMTP:
        """Return the connection; connect, encrypt and log in where there is none."""
        if self._server is None or self._server.sock is None:
            with _told(self._settings):
                self._server = _logged_in(self._settings)
        return self._server

    def close(self) -> None:
        """Say goodbye: the mails are taken or refused by now, whatever the server answers."""
        if self._server is not None:
            with contextlib.suppress(OSError):
                self._server.quit()
            self._server.close()
        self._server = None


def _logged_in(settings: MailSettings) -> smtplib.SMTP:
    """Connect, encrypt and log in as the settings say."""
    server = _connect(settings)
    try:
        if settings.security == "starttls":
            server.starttls(context=_context(settings))
        if settings.user:
            server.login(settings.user, _password(settings))
    except BaseException:
        server.close()
        raise
    return server


def _connect(settings: MailSettings) -> smtplib.SMTP:
    host, port, timeout = settings.host, settings.port, settings.timeout_seconds
    if settings.security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=timeout, context=_context(settings))
    return smtplib.SMTP(host, port, timeout=timeout)


def _context(settings: MailSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"Configuration: [mail] ca_file = {settings.ca_file} contains no usable certificates:"
            f" {error.strerror or error}."
        ) from error


def _password(settings: MailSettings) -> str:
    password = _configured_password(settings)
    register([password])
    if not password.isascii():
        raise ConfigurationError(
            "Configuration: the password of [mail] user has characters beyond ASCII, which cannot"
            " be sent: choose another one."
        )
    return password


def _configured_password(settings: MailSettings) -> str:
    if settings.password_file is None:
        if settings.password is None:
            raise ConfigurationError(
                "Configuration: [mail] has user but no password: set password_file."
            )
        return settings.password
    try:
        return settings.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"Configuration: [mail] password_file = {settings.password_file} cannot be read:"
            f" {getattr(error, 'strerror', None) or 'it is not text'}."
        ) from error


@contextlib.contextmanager
def _told(settings: MailSettings) -> Iterator[None]:
    """Turn what goes wrong with the server into one sentence, with the cure."""
    server = f"The mail server {settings.host}:{settings.port}"
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code < 500:
            reason = _answer(error.smtp_code, error.smtp_error)
            raise MailUnavailable(
                f"{server} does not accept a login for now: {reason}. Try again later."
            ) from error
        raise ConfigurationError(
            f"{server} rejects the login of {settings.user}:"
            f" {_answer(error.smtp_code, error.smtp_error)}. Correct user and password in [mail]."
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise ConfigurationError(
            f"{server} does not support what [mail] asks for: {printable(str(error))} Correct"
            " security and user."
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        answers = error.recipients
        reasons = ", ".join(f"{name}: {_answer(*answers[name])}" for name in sorted(answers))
        is_for_good = all(code >= 500 for code, _ in answers.values())
        raise _failure(is_for_good, f"{server} rejects all recipients: {reasons}.") from error
    except smtplib.SMTPResponseException as error:
        reason = _answer(error.smtp_code, error.smtp_error)
        is_for_good = error.smtp_code >= 500
        raise _failure(is_for_good, f"{server} rejects the mail: {reason}.") from error
    except ssl.SSLError as error:
        raise MailUnavailable(
            f"{server} cannot be trusted or does not speak TLS: {_reason(error)}. Check security"
            " and ca_file in [mail], and the server's certificate."
        ) from error
    except OSError as error:
        raise MailUnavailable(f"{server} cannot be reached: {_reason(error)}.") from error


def _failure(is_for_good: bool, sentence: str) -> InstanceImagesError:
    """Return the error: a server says whether trying again can help."""
    return Refused(sentence) if is_for_good else MailUnavailable(f"{sentence} Try again later.")


def _answer(code: int, text: bytes | str) -> str:
    """Return what the server answered, as one line."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {printable(' '.join(redact(words).split()))[:_MAX_REASON_CHARACTERS]}"


def _reason(error: OSError) -> str:
    verified = getattr(error, "verify_message", "")
    return printable(verified or error.strerror or str(error))
