"""A view: the JSON fields of a kind of record, and the columns of its table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from json.encoder import encode_basestring
from typing import Any

from instance_images.instants import format_instant

Encode = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class View:
    """A kind of record: its JSON fields, and its table's columns as (title, text of a record)."""

    fields: tuple[tuple[str, Callable[[Any], Any]], ...]
    columns: tuple[tuple[str, Callable[[Any], str]], ...]


def with_column(view: View, place: int, title: str, text: Callable[[Any], str]) -> View:
    """Return the view with one more column in its table, before the one at that place."""
    return View(view.fields, (*view.columns[:place], (title, text), *view.columns[place:]))


def as_json(view: View, record: Any) -> dict[str, Any]:
    """Return the JSON object of a record, for a document that holds it."""
    return {
        name: format_instant(found) if isinstance(found := value(record), datetime) else found
        for name, value in view.fields
    }


def texts_maker(
    view: View, encoders: Mapping[str, Encode]
) -> Callable[[Sequence[Sequence[Any]]], list[str]]:
    """Return what makes the JSON texts of the same objects from records that are rows.

    ``encoders``: the attributes that are the rows' columns, in their order, each with what makes
    JSON of a value that is not None. Each of the view's fields must be one attribute. Works column
    by column, which is done in C: a page has up to a thousand rows.
    """
    places = {attribute: place for place, attribute in enumerate(encoders)}
    attributes = [value(_NAMES) for _, value in view.fields]
    names = [f", {encode_basestring(name)}: " for name, _ in view.fields]
    names[0] = "{" + names[0].removeprefix(", ")

    def texts(rows: Sequence[Sequence[Any]]) -> list[str]:
        columns = list(zip(*rows, strict=True))
        parts: list[Iterable[str]] = []
        for name, attribute in zip(names, attributes, strict=True):
            parts += repeat(name), _encoded(columns[places[attribute]], encoders[attribute])
        return list(map("".join, zip(*parts, repeat("}"))))

    return lambda rows: texts(rows) if rows else []


def _encoded(column: Sequence[Any], encode: Encode) -> Iterable[str]:
    if None not in column:
        return map(encode, column)
    return ["null" if value is None else encode(value) for value in column]


# Many records have the same ones: most are full hours, or several columns of one record.
@lru_cache(maxsize=20_000)
def encode_seconds(value: int) -> str:
    """Return the JSON of an instant that is given as seconds since 1970."""
    return f'"{format_instant(datetime.fromtimestamp(value, UTC))}"'


class _Names:
    """A record whose attributes are their own names."""

    def __getattr__(self, name: str) -> str:
        return name


_NAMES = _Names()


def size_text(size_bytes: int | None) -> str:
    """Return a size for reading, in units of 1000: ``1.07 GB``; ``-`` while it is unknown."""
    if size_bytes is None:
        return "-"
    size, unit = size_bytes, 0
    while size >= 1000 ** (unit + 1) and unit < 5:
        unit += 1
    names = ("B", "kB", "MB", "GB", "TB", "PB")
    return f"{size} B" if unit == 0 else f"{size / 1000**unit:.2f} {names[unit]}"


def duration_text(duration_seconds: int) -> str:
    """Return a duration for reading: ``42 s``, ``3 min 05 s``, ``2 h 07 min``."""
    minutes, seconds = divmod(duration_seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def instant_text(instant: datetime | None) -> str:
    """Return an instant for reading, ``-`` where there is none."""
    return "-" if instant is None else format_instant(instant)


def _plain(value: Any) -> Any:
    return format_instant(value) if isinstance(value, datetime) else value
