"""Reads an entry of clouds.yaml and secure.yaml as the SDK does, and validates it.

The SDK skips a file that it cannot parse, and logs the line with the error. It is read here first:
an error names the file, the line and the option, never the value. Secrets are registered for
redaction. It sends no request.
"""

import json
import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from instance_images.config import redaction
from instance_images.config.files import require_utf8
from instance_images.errors import ConfigurationError
from instance_images.names import printable

CONFIG_VARIABLE = "OS_CLIENT_CONFIG_FILE"
SECURE_VARIABLE = "OS_CLIENT_SECURE_FILE"

_PASSWORD_TYPES = (None, "password", "v2password", "v3password")
_BOOLEANS = ("verify", "insecure")
_MAY_BE_NUMBERS = {
    f"{of}_{kind}"
    for of in ("project", "tenant", "domain", "user_domain", "project_domain")
    for kind in ("id", "name")
}
_SHOWN = 10


def candidates(variable: str, usual: Sequence[str]) -> list[str]:
    """Return the candidate paths of the file: that of the environment variable, or the usual ones.

    Raises ConfigurationError where the variable names a file that does not exist.
    """
    named = os.environ.get(variable)
    if not named:
        return list(usual)
    if not os.path.exists(named):  # noqa: PTH110 - False too where the folder is not ours
        raise ConfigurationError(f"{variable} names {named}, which does not exist: correct it.")
    return [named, *usual]


def entry_of(name: str, config_files: Sequence[str], secure_files: Sequence[str]) -> dict[str, Any]:
    """Return the entry of that name with its secrets, validated.

    Raises ConfigurationError for a file, and ValueError with a sentence for the entry.
    """
    path, clouds = _clouds(config_files)
    _, secrets = _clouds(secure_files)
    for found in (clouds, secrets):
        redaction.register(_secrets(found.get(name)))
    if path is None:
        raise ValueError(
            "there is no such file in"
            f" {', '.join(dict.fromkeys(str(Path(one).parent) for one in config_files))}, and"
            f" {CONFIG_VARIABLE} is not set."
        )
    if name not in clouds:
        known = ", ".join(map(str, list(clouds)[:_SHOWN])) or "no entry"
        raise ValueError(f"{path} has no entry of that name; it has {printable(known)}.")
    entry = _merged(clouds[name], secrets.get(name, {}))
    _require_usable(entry)
    return entry


def _clouds(files: Sequence[str]) -> tuple[str | None, Mapping[str, Any]]:
    """Return the first of the files that exists and may be read, and its entries."""
    refused: list[str] = []
    for name in files:
        # Path.is_file raises where a folder may not be looked into, such as root's own.
        if os.path.isfile(name):  # noqa: PTH113
            if os.access(name, os.R_OK, effective_ids=True):
                return name, _parsed(Path(name))
            refused.append(name)
    if refused:
        raise ConfigurationError(f"{refused[0]} cannot be read by this user: correct its mode.")
    return None, {}


def _parsed(path: Path) -> Mapping[str, Any]:
    import yaml

    require_utf8(path, with_mark=True)
    text = path.read_text(encoding="utf-8-sig")
    try:
        document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except json.JSONDecodeError as error:
        raise _no_document(path, error.lineno) from None
    except yaml.MarkedYAMLError as error:  # it holds the line
        raise _no_document(path, error.problem_mark.line + 1 if error.problem_mark else 0) from None
    except yaml.reader.ReaderError as error:
        raise _no_document(path, text.count("\n", 0, error.position) + 1) from None
    except (yaml.YAMLError, RecursionError, ValueError):  # such as an invalid date
        raise _no_document(path, 0) from None
    clouds = document.get("clouds") if isinstance(document, dict) else None
    if not isinstance(clouds, dict):
        raise ConfigurationError(
            f"{path} has no entries: write them below 'clouds:', each indented by its name."
        )
    return clouds


def _no_document(path: Path, line: int) -> ConfigurationError:
    where = f"{path}, line {line}" if line else str(path)
    return ConfigurationError(
        f"{where}: is not valid {'JSON' if path.suffix == '.json' else 'YAML'}: indent with"
        " spaces, and quote values with special characters."
    )


def _secrets(value: object, key: str = "") -> Iterator[str]:
    """Yield every secret in an entry, at any depth."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _secrets(one, str(name))
    elif isinstance(value, list):
        for one in value:
            yield from _secrets(one, key)
    elif value is not None and not isinstance(value, bool):
        if redaction.is_secret_name(key):
            yield str(value)
        yield from redaction.passwords_of(str(value))


def _merged(entry: object, secrets: object) -> dict[str, Any]:
    for part in (entry, secrets):
        if not isinstance(part, dict):
            raise ValueError("it has no options: write them below its name, and indent them.")
        if not isinstance(part.get("auth", {}), dict):
            raise ValueError("auth has no options: write them below it, and indent them.")
    assert isinstance(entry, dict)
    assert isinstance(secrets, dict)
    auth = {**entry.get("auth", {}), **secrets.get("auth", {})}
    return {**entry, **secrets, "auth": auth}


def _require_usable(entry: dict[str, Any]) -> None:
    """Raise ValueError for values that the SDK fails at or misreads."""
    auth = entry["auth"]
    for key, value in auth.items():
        if value is None:
            raise ValueError(f"auth.{key} has no value.")
        # The SDK converts numeric ids and names of projects to text.
        is_text = isinstance(value, (str, list)) or (type(value) is int and key in _MAY_BE_NUMBERS)
        if not is_text:
            raise ValueError(f"auth.{key} is not a string: quote its value.")
    for key in _BOOLEANS:
        if not isinstance(entry.get(key, True), bool):
            raise ValueError(f"{key} is neither true nor false: write it without quotes.")
    if not isinstance(entry.get("profile", ""), str):
        raise ValueError("profile is not a string: write the name of one vendor profile.")
    if "profile" not in entry:
        _require_credentials(entry, auth)
    url = str(auth.get("auth_url", entry.get("auth_url", "")))
    if url:
        _require_url(url)
    if entry.get("verify", True) and not url.startswith("http:"):
        _require_certificates(entry)


def _require_credentials(entry: dict[str, Any], auth: dict[str, Any]) -> None:
    """Raise ValueError if a user or a password is missing."""
    if entry.get("auth_type") not in _PASSWORD_TYPES or "token" in {*auth, *entry}:
        return
    given = {key.replace("-", "_") for key in (*auth, *entry)}
    for kind, keys in (("auth_url", {"auth_url"}), ("username", {"username", "user_id"})):
        if not keys & given:
            raise ValueError(f"auth.{kind} is missing.")
    if not {"password"} & given:
        raise ValueError("auth.password is missing, in clouds.yaml and in secure.yaml.")


def _require_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fault = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
        (parts.hostname or "").encode("idna")
    except ValueError:  # no port, no host's name
        fault = True
    if fault:
        raise ValueError("auth.auth_url is not a URL: write it as in https://HOST:5000/v3.")


def _require_certificates(entry: dict[str, Any]) -> None:
    for key in ("cacert", "cert", "key"):
        path = entry.get(key)
        if path is None:
            continue
        file = Path(str(path)).expanduser()
        if not os.access(file, os.R_OK, effective_ids=True):
            fault = "cannot be read by this user" if file.exists() else "does not exist"
            raise ValueError(f"{key} names {file}, which {fault}.")
        if key == "cacert" and file.is_file():
            try:
                ssl.create_default_context(cafile=str(file))
            except (OSError, ValueError):
                raise ValueError(f"{key} names {file}, which contains no certificates.") from None
