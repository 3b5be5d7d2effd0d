"""Names cut into the parts between which a line of a narrow column may end. Pure.

Typst breaks a word nowhere, and Unicode's rules break few names: a name without a break would grow
past its column.
"""

import re
import unicodedata

from instance_images.names import printable

# Behind the dots, hyphens and the like of a host name or a path, before its next word: dates,
# versions and addresses stay whole.
BREAKS = re.compile(r"(?<=[.\-_/@:])(?=[^\W\d_])")
_WIDEST = 9.0  # of a part, in ems: what the narrowest column of names holds
_WIDE, _NARROW = 1.0, 0.6


def name_parts(name: str) -> list[str]:
    """Return the parts of a name, without characters that nobody sees; together they are it."""
    return [piece for part in BREAKS.split(printable(name)) for piece in _pieces(part)]


def each_character(text: str) -> list[str]:
    """Return a text that may break anywhere, but not between a letter and its accents."""
    pieces: list[str] = []
    for character in text:
        if pieces and (unicodedata.combining(character) or character == "\u200d"):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _pieces(part: str) -> list[str]:
    """Cut a part that is too wide for a column into pieces that are not."""
    if len(part) <= _WIDEST:
        return [part]
    pieces, width = [""], 0.0
    for character in each_character(part):
        if character == " ":
            width = 0.0
        advance = _advance(character[0])
        if width + advance > _WIDEST:
            pieces.append("")
            width = 0.0
        pieces[-1] += character
        width += advance
    return pieces


def _advance(character: str) -> float:
    """Return about how wide a character is, in ems: never less than it is."""
    if "a" <= character <= "z" and character not in "mw":
        return _NARROW
    return _NARROW if character in " .-_/:0123456789" else _WIDE
