"""Reads and checks what a request carries: parameters, headers and the JSON body.

Whatever the document does not name is refused, by name.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from instance_images.names import storable_text
from instance_images_api.http.errors import ApiError, usage
from instance_images_api.http.route import Parameter, Route

_MOST_PARAMETERS = 50
_MOST_SHOWN = 200
_TRUTH = {"true": True, "false": False}


def parameters_of(route: Route, path: Mapping[str, str], query: str) -> dict[str, Any]:
    """Return the parameters of the path and the query. Raises ApiError 400."""
    known = {(one.place, one.name): one for one in route.parameters}
    found: dict[str, Any] = {}
    for place, pairs in (("path", list(path.items())), ("query", _pairs_of(query))):
        for name, text in pairs:
            parameter = known.get((place, name))
            if parameter is None:
                raise usage(f"Parameter {_shown(name)} is unknown here. {_known(route)}")
            if name in found:
                raise usage(f"Parameter {name} is given twice: give it once.")
            if storable_text(text) != text:
                raise usage(f"Parameter {name} contains a character that is not allowed.")
            found[name] = _value_of(parameter, text)
    for parameter in route.parameters:
        if parameter.is_required and parameter.name not in found:
            raise usage(f"Parameter {parameter.name} is missing: {parameter.description}")
    return found


def _pairs_of(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise usage("The query is not UTF-8, or has too many parameters.") from error


def _value_of(parameter: Parameter, text: str) -> Any:
    value: Any = text
    kind = parameter.schema.get("type")
    if kind == "boolean":
        value = _TRUTH.get(text, text)
    elif kind == "integer" and text.lstrip("-").isdecimal() and text.isascii() and len(text) < 12:
        value = int(text)
    fault = fault_of(parameter.schema, value)
    if fault:
        raise usage(f"Parameter {parameter.name}: {fault}")
    return value


def body_of(route: Route, content_type: str | None, content: bytes) -> Any:
    """Return the JSON body, None where the route takes none. Raises ApiError 400 and 415."""
    if route.request_schema is None:
        return None
    if (content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise ApiError(415, "usage", "Send the body as JSON, with Content-Type: application/json.")
    try:
        body = json.loads(
            content.decode(),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_number,
        )
        fault = fault_of(route.request_schema, body)
    except RecursionError as error:  # validation nests deeper than parsing
        raise usage("The body is nested too deeply.") from error
    except ValueError as error:
        reason = str(error) if isinstance(error, _Unreadable) else "it is not JSON in UTF-8"
        raise usage(f"The body cannot be read: {reason}.") from error
    if fault:
        raise usage(f"The request body is invalid: {fault}")
    return body


class _Unreadable(ValueError):
    """A text that Python reads as JSON, and that is none, or not one thing alone."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Unreadable("an object names one member twice")
    for text in (*made, *made.values()):
        if isinstance(text, str) and any("\ud800" <= c <= "\udfff" for c in text):
            raise _Unreadable("a text has half of a surrogate pair")
    return made


def _number(text: str) -> float | int:
    """Return the number; 2.0 is an integer in JSON Schema, and must be one for whoever gets it."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _refuse_constant(name: str) -> Any:
    raise _Unreadable(f"{name} is not a JSON number")


def fault_of(schema: Mapping[str, Any], value: Any) -> str | None:
    """Return why the value does not fit the schema, None if it does."""
    error = best_match(_validator(_Key(schema)).iter_errors(value))
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path)
    return f"{where + ': ' if where else ''}{_shown(error.message)}."


class _Key:
    """A schema as a key: each is one object, which lives as long as the process."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.schema is other.schema


def _pattern(_: object, pattern: str, value: Any, __: object) -> Iterator[ValidationError]:
    """Yield a fault where the text does not match; Python's $ lets a newline at the end pass."""
    if isinstance(value, str) and (value.endswith("\n") or not re.search(pattern, value)):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})


@cache
def _validator(key: _Key) -> Any:
    return _Validator(key.schema)


def _shown(text: str) -> str:
    text = text.rstrip(".")
    shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} ..."
    return shown.encode("utf-8", "replace").decode()


def _known(route: Route) -> str:
    names = sorted(one.name for one in route.parameters if one.place == "query")
    return f"Known are {', '.join(names)}." if names else "There are none."
