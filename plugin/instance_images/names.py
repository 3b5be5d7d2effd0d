"""Names that users chose: what is accepted, and how a name is shown without doing harm.

A name is data. It never becomes part of a path or a query; on the way out it loses whatever a
terminal, a text editor or a spreadsheet would obey.
"""

import re
import unicodedata
from collections.abc import Iterable

MAX_NAME_CHARACTERS = 255
MAX_ID_CHARACTERS = 64
_SUGGESTED = 3

# Cc: control characters, with the escape that starts terminal sequences. Cf: format characters,
# with the marks that turn the writing direction round. Cs, Co: no characters at all.
# Zl and Zp: line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# Unicode keeps these for characters that are invisible; most have none yet.
_INVISIBLE = ((0x2065, 0x2065), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF))
# The zero-width joiner holds many emoji together, and reorders nothing.
_HARMLESS_FORMAT = frozenset({"\u200d"})
# What a spreadsheet takes for a formula where a cell begins: at the start of the text, and behind
# each mark that separates cells in the spreadsheets of some locale. Excel takes the full-width
# characters too.
_FORMULA = re.compile(r"\s*[=+\-@\r\uff1d\uff0b\uff0d\uff20]")
_CELL_MARK = re.compile(r"[;,\t]")
_FORMULA_START = re.compile(rf"(?:^|(?<={_CELL_MARK.pattern}))(?={_FORMULA.pattern})")


def _is_unprintable(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Cn":
        return _is_no_character(ord(character))
    return category in _UNPRINTABLE and character not in _HARMLESS_FORMAT


def _is_no_character(code: int) -> bool:
    """Return whether no version of Unicode will show anything for the code.

    Python's tables are older than the newest emoji: what they do not know is no fault of a name.
    """
    is_noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return is_noncharacter or any(first <= code <= last for first, last in _INVISIBLE)


def printable(text: str) -> str:
    """Return the text with every character that would steer a terminal or a reader removed."""
    if text.isprintable():  # as almost every name is; Python's own check is far faster
        return text
    return "".join(character for character in text if not _is_unprintable(character))


def fault_of_name(name: str) -> str | None:
    """Return why ``name`` cannot name an image or instance, or None if it can."""
    if not name.strip():
        return "The name is empty: give one of 1 to 255 characters."
    if name != name.strip():
        return "The name begins or ends with a space: remove it."
    if len(name) > MAX_NAME_CHARACTERS:
        return (
            f"The name has {len(name)} characters: a name can have at most {MAX_NAME_CHARACTERS}."
        )
    if any(_is_unprintable(character) for character in name):
        return "The name contains control or invisible characters: remove them."
    return None


def suggestion(wanted: str, names: Iterable[str]) -> str:
    """Return a sentence with those of the names that are nearly what is wanted, or nothing."""
    from difflib import get_close_matches

    by_key: dict[str, str] = {}
    for name in names:
        by_key.setdefault(name.casefold(), name)
    near = get_close_matches(wanted.casefold(), by_key, _SUGGESTED)
    listed = " or ".join(repr(printable(by_key[key])) for key in near)
    return f" Did you mean {listed}?" if listed else ""


def storable_name(text: str) -> str:
    """Return what of a name that was given elsewhere can name an image here; may be empty."""
    return printable(text).strip()[:MAX_NAME_CHARACTERS].strip()


def storable_text(text: str) -> str:
    """Return the text without what some database cannot store: zero characters, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c != "\0" and not "\ud800" <= c <= "\udfff")


def is_storable_id(text: object) -> bool:
    """Return whether the value, which anybody may have written, can be the id of a record."""
    return isinstance(text, str) and len(text) <= MAX_ID_CHARACTERS and storable_text(text) == text


def recorded_name(text: str) -> str:
    """Return as much of a name as a database keeps; it stays recognizable, and may be odd."""
    return storable_text(text)[:MAX_NAME_CHARACTERS]


def formula_safe(text: str) -> str:
    """Return the printable text so that no spreadsheet takes it for a formula."""
    if text[:1].isalnum() and text.isprintable() and "," not in text and ";" not in text:
        return text  # as nearly all names: expressions take three times as long
    shown = printable(text)
    if _CELL_MARK.search(shown):
        return _FORMULA_START.sub("'", shown)
    return "'" + shown if _FORMULA.match(shown) else shown
