"""Writes JSON as ``json.dumps(..., indent=2)`` does, several times as fast.

The standard library's encoder in C knows no indent. It is given the objects and lists that hold
only values, which are nearly all of a report, with the line ends as separators.
"""

import json
from functools import cache

_INDENT = "  "


def indented(value: object) -> str:
    """Return the value as JSON in ASCII, indented by two blanks."""
    return _text(value, "\n")


def _text(value: object, line_end: str) -> str:
    inner = line_end + _INDENT
    if isinstance(value, dict) and value:
        if not any(isinstance(each, dict | list) for each in value.values()):
            return f"{{{inner}{_encoder(inner).encode(value)[1:-1]}{line_end}}}"
        rows = (f"{json.dumps(key)}: {_text(each, inner)}" for key, each in value.items())
        return f"{{{inner}{f',{inner}'.join(rows)}{line_end}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join(_text(each, inner) for each in value)}{line_end}]"
    return json.dumps(value)


@cache
def _encoder(line_end: str) -> json.JSONEncoder:
    return json.JSONEncoder(separators=(f",{line_end}", ": "))
