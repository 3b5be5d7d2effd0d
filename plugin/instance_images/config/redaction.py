"""Removes passwords and tokens from everything that is printed or logged.

By two rules: by shape, as libraries print secrets (``password=...``, ``USER:PASSWORD@``), and by
value. Each secret read from a file is registered here, and is removed in all its forms: plain,
URL-encoded or decoded, or escaped. Knows no file and no option.
"""

import json
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"
# Shorter secrets are hidden by shape only, because their letters occur in other texts.
_SHORTEST = 4

_NAMES = "password|passwd|passphrase|passcode|secret|token|credential|(?:api|private|access)_?key"
_SECRET_NAME = re.compile(rf"(?:{_NAMES}|pwd)$", re.IGNORECASE)
_WORD = rf"[\w-]*(?:{_NAMES}|\bpwd)"
_KEY = rf"{_WORD}[\"']?\s*[:=]\s*"
# Found at once; the shapes that begin with such a word take time that grows with the words.
_MENTION = re.compile(rf"{_NAMES}|pwd|authorization", re.IGNORECASE)
# What is no sentence of ours.
_OF_TOKENS_AND_URLS = (
    # USER:PASSWORD@ of a URL, up to the last @: a password may hold one, and further hosts follow.
    (re.compile(r"(\w:/{1,2}[^\s:/@]*):(?!PASSWORD@)[^\s]+@"), rf"\1:{HIDDEN}@"),
    # Keystone's Fernet and JWS tokens, wherever they stand.
    (re.compile(r"gAAAA[\w=-]{20,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+"), HIDDEN),
)
_UNMISTAKABLE = ((re.compile(rf"({_WORD}=)[^\s\"',;&{{}}\[\]]+", re.IGNORECASE), rf"\1{HIDDEN}"),)
_SHAPES = (
    *_UNMISTAKABLE,
    (re.compile(rf"({_KEY}[ub]?)([\"'])(?:\\.|(?!\2).)*\2", re.IGNORECASE), rf"\1\2{HIDDEN}\2"),
    # What is null stays: a log in JSON remains JSON.
    (
        re.compile(rf"({_KEY})(?!(?:null|None)\b)[^\s\"',;&{{}}\[\]]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(authorization[\"']?\s*[:=]\s*[\"']?)[^\"',]+", re.IGNORECASE), rf"\1{HIDDEN}"),
)
_URL = re.compile(r"^[\w+.-]*:/+(?P<rest>.*)$", re.DOTALL)

_lock = threading.Lock()
_values: set[str] = set()
_pattern: re.Pattern[str] | None = None


def redact(text: str) -> str:
    """Return a library's text, or a log record, without the passwords and tokens in it."""
    return _without(text, _SHAPES)


def redact_message(text: str) -> str:
    """Return a message of ours without secrets; such words as ``password: set`` stay in it."""
    return _without(text, _UNMISTAKABLE)


def _without(text: str, shapes: Sequence[tuple[re.Pattern[str], str]]) -> str:
    if _pattern is not None:
        text = _pattern.sub(HIDDEN, text)
    named = shapes if _MENTION.search(text) else ()
    for shape, replacement in (*_OF_TOKENS_AND_URLS, *named):
        text = shape.sub(replacement, text)
    return text


def is_url(text: str) -> bool:
    """Return whether the text is a URL, or was meant to be one."""
    return bool(_URL.match(text))


def is_secret_name(name: str) -> bool:
    """Return whether a key of that name has a secret for its value, as ``ssl_key_password``."""
    return bool(_SECRET_NAME.search(name))


def register(secrets: Iterable[str]) -> None:
    """Hide these values in all later output of this process."""
    global _pattern
    with _lock:
        _values.update(form for secret in secrets for form in _forms(secret))
        if _values:
            longest_first = sorted(_values, key=len, reverse=True)
            _pattern = re.compile("|".join(map(re.escape, longest_first)))


def register_url(url: str) -> None:
    """Hide the passwords of a URL in all later output, even if the URL is malformed."""
    register(passwords_of(url))


def forget() -> None:
    """Forget all values, for a process that reads one configuration after another."""
    global _pattern
    with _lock:
        _values.clear()
        _pattern = None


def passwords_of(url: str) -> set[str]:
    """Return possible passwords in the URL: of each host, and of each parameter.

    A password with an unescaped ``@`` counts as a whole, and so does each part of it.
    """
    found = _URL.match(url)
    if found is None:
        return set()
    rest = found["rest"]
    address, _, query = rest.partition("?")
    return {*_of_hosts(address), *_of_hosts(rest), *_of_parameters(query)} - {""}


def _of_hosts(address: str) -> Iterator[str]:
    """Yield the passwords of USER:PASSWORD@HOST,USER:PASSWORD@HOST."""
    _, _, password = address.rpartition("@")[0].partition(":")
    yield password
    for index, part in enumerate(password.split("@")):
        before, _, after = part.partition(",")
        yield part if index == 0 or ":" not in after else ""
        yield before if index == 0 else ""
        yield after.partition(":")[2]


def _of_parameters(query: str) -> Iterator[str]:
    for parameter in re.split("[&;]", query):
        name, _, value = parameter.partition("=")
        if is_secret_name(name):
            yield value


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms in which the secret may be printed."""
    plain = {secret, secret.strip(), unquote(secret), unquote_plus(secret)}
    plain |= {" ".join(secret.split()), secret.replace("$$", "$")}
    for text in plain:
        escaped = (json.dumps(text)[1:-1], repr(text)[1:-1])
        for form in (text, quote(text), quote(text, safe=""), quote_plus(text), *escaped):
            if len(form) >= _SHORTEST:
                yield form
