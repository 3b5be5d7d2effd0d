"""Reads the text of the configuration files, and locates errors in them.

An error names the file and the line, never the line's text: it may hold a password.
"""

import codecs
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from instance_images.config import redaction
from instance_images.errors import ConfigurationError

# The syntax by which oslo.config substitutes the value of another option.
_VARIABLE = re.compile(r"\$([_a-z][\w.]*|\{[_a-z][\w.]*\})", re.IGNORECASE)
_DOUBLED = re.compile(r"\$\$|\\\$")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "begins with a byte order mark (BOM): save it as UTF-8 without one.",
    codecs.BOM_UTF16_LE: "is UTF-16: save it as UTF-8 without a byte order mark (BOM).",
    codecs.BOM_UTF16_BE: "is UTF-16: save it as UTF-8 without a byte order mark (BOM).",
}

Sections = dict[str, dict[str, Any]]


def parse_file(path: Path) -> Sections:
    """Return a file's sections, each with its keys, each with the list of its values."""
    from oslo_config import cfg

    sections: Sections = {}
    require_utf8(path)
    try:
        cfg.ConfigParser(str(path), sections).parse()
    except cfg.ParseError as error:
        # Not chained: it holds the line.
        raise ConfigurationError(
            f"Configuration: {path}, line {error.lineno}: {error.msg}. Write sections as [NAME],"
            " options as NAME = VALUE, and begin a comment with #."
        ) from None
    return sections


def require_utf8(path: Path, *, with_mark: bool = False) -> None:
    """Raise ConfigurationError if the file is not UTF-8, or cannot be read.

    ``with_mark``: accept a byte order mark of UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    for mark, fault in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark) and not (with_mark and mark == codecs.BOM_UTF8):
            raise ConfigurationError(f"Configuration: {path} {fault}")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"Configuration: {path}, line {line}: is not UTF-8: correct it."
        ) from None


def register_secrets(sections: Sections, secret_keys: set[str]) -> None:
    """Register every secret of the file for redaction, even if the file turns out to be invalid."""
    for keys in sections.values():
        for key, values in keys.items():
            for value in map(str, values):
                # Only the password of a URL is secret.
                is_part = key in secret_keys and not redaction.is_url(value)
                if is_part or redaction.is_secret_name(key):
                    redaction.register([value, *value.splitlines()])
                redaction.register_url(value)


def require_plain(path: Path, sections: Sections, secret_keys: set[str]) -> None:
    """Raise ConfigurationError for a secret with $: oslo.config would substitute an option."""
    for section, keys in sections.items():
        for key, values in keys.items():
            if key in secret_keys and any(map(_has_variable, values)):
                raise _dollar(path, section, key)


def explained(error: Exception, paths: Sequence[Path]) -> ConfigurationError:
    """Return a ConfigurationError; raise it ``from None``: the original may contain a value."""
    from oslo_config import cfg

    if isinstance(error, (cfg.NoSuchOptError, cfg.NoSuchGroupError, cfg.TemplateSubstitutionError)):
        for path in paths:
            for section, keys in parse_file(path).items():
                for key, values in keys.items():
                    if any(map(_has_variable, values)):
                        return _dollar(path, section, key)
    return ConfigurationError(f"Configuration: {redaction.redact(str(error))}")


def require_valid(
    path: Path, section: str, key: str, read: Callable[[str], object], value: str
) -> None:
    """Raise ConfigurationError if ``read``, the option's type, rejects the value."""
    if _has_variable(value):
        return
    try:
        read(value)
    except ValueError as error:
        # Indented lines continue a value, here by mistake.
        reason = "it has several lines" if "\n" in value else redaction.redact(str(error))
        raise ConfigurationError(
            f"Configuration: {place(path, section, key)} has an invalid value: {reason}."
        ) from None


def place(path: Path, section: str, key: str) -> str:
    """Return the place of the option: file, line, section and name."""
    current, found = "DEFAULT", 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("["):
            current = line.strip()[1:-1]
        elif current == section and re.split("[:=]", line, maxsplit=1)[0].rstrip() == key:
            found = number
    where = f"{path}, line {found}" if found else str(path)
    return f"{where}: [{section}] {key}"


def shown_key(path: Path, section: str, key: str) -> str:
    """Return the option's name if it looks like one, else its line: it may contain a secret."""
    if re.fullmatch("[a-z][a-z_-]{0,59}", key):
        return f"option {key} in [{section}]"
    line = place(path, section, key).rpartition(": [")[0].rpartition(", ")[2]
    return f"what {line} has in [{section}]"


def _has_variable(value: str) -> bool:
    return bool(_VARIABLE.search(_DOUBLED.sub("", str(value))))


def _dollar(path: Path, section: str, key: str) -> ConfigurationError:
    return ConfigurationError(
        f"Configuration: {place(path, section, key)} contains $, which begins the name of another"
        " option: write $ as $$."
    )


def textfile_path(section: str, text: str | None) -> Path | None:
    """Return the path of a textfile for node_exporter, None if it is not set.

    Raises ConfigurationError for a name that does not end in .prom.
    """
    if not text:
        return None
    if not text.endswith(".prom"):
        raise ConfigurationError(
            f"Configuration: [{section}] textfile = {text}: node_exporter reads only names that end"
            " in .prom."
        )
    return Path(text)
