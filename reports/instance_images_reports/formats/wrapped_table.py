"""Tables and paragraphs of a text report: names take several rows where they must.

A row ends at a space; between the parts of a word only where the word alone is wider than its
column, and inside a part only where that is wider.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from instance_images_reports.formats.name_parts import BREAKS
from instance_images_reports.formats.text_table import GAP

NAME, MOMENT, NUMBER = "name", "moment", "number"
_LEAST_NAME_CELLS, _MOST_NAME_CELLS = 12, 28  # a longer name takes several rows
_WORD = re.compile("[^ ]+ *| +")

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and what is in it; a name may wrap, a moment and a number may not."""

    title: str
    kind: str = NUMBER


def paragraph(text: str, width: int) -> str:
    """Return the text in rows of at most ``width`` cells; a word that is wider is cut."""
    return "\n".join(row.rstrip() for row in _wrapped(_WORD.findall(text), width))


def wrapped_table(columns: Sequence[Column], rows: Sequence[Row], total: Row, width: int) -> str:
    """Return the table, as wide as its numbers need where that is more than ``width``.

    Rules divide the titles, and the total, from the other rows.
    """
    titles = [column.title for column in columns]
    widths = _widths(columns, [titles, *rows, total], width)
    rule = "-" * (sum(widths) + len(GAP) * (len(widths) - 1))
    drawn = [*_drawn(columns, widths, titles, to_bottom=True), rule]
    for row in rows:
        drawn += _drawn(columns, widths, row)
    return "\n".join([*drawn, rule, *_drawn(columns, widths, total)])


def _widths(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[int]:
    """Return how wide the columns are. Names give way, the widest first.

    They do so until a word is cut, then until a part of one is, and then further.
    """
    from rich.cells import cell_len

    widths = [
        max(cell_len(line) for row in rows for line in row[index].split("\n"))
        for index in range(len(columns))
    ]
    names = [index for index, column in enumerate(columns) if column.kind == NAME]
    least: dict[int, list[int]] = {}
    for index in names:
        words = {word for row in rows for word in _WORD.findall(row[index])}
        parts = {part for word in words for part in BREAKS.split(word)}
        longest = [
            max((cell_len(one.rstrip()) for one in some), default=0) for some in (words, parts)
        ]
        widths[index] = min(widths[index], _MOST_NAME_CELLS)
        least[index] = [*longest, min(longest[-1], _LEAST_NAME_CELLS)]
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    for stage in range(3):
        while excess > 0:
            giving = [index for index in names if widths[index] > least[index][stage]]
            if not giving:
                break
            widths[max(giving, key=widths.__getitem__)] -= 1
            excess -= 1
    return widths


def _drawn(
    columns: Sequence[Column], widths: Sequence[int], row: Row, *, to_bottom: bool = False
) -> list[str]:
    """Return the rows that the cells of one take together."""
    from rich.cells import cell_len

    cells = [
        _wrapped(_pieces(cell, width), width) if column.kind == NAME else cell.split("\n")
        for cell, column, width in zip(row, columns, widths, strict=True)
    ]
    height = max(map(len, cells))
    drawn = []
    for number in range(height):
        line = []
        for cell, column, width in zip(cells, columns, widths, strict=True):
            at = number - (height - len(cell)) if to_bottom else number
            text = cell[at].rstrip() if 0 <= at < len(cell) else ""
            blanks = " " * (width - cell_len(text))
            line.append(blanks + text if column.kind == NUMBER else text + blanks)
        drawn.append(GAP.join(line).rstrip())
    return drawn


def _pieces(name: str, width: int) -> Iterator[str]:
    """Yield the words of a name with the spaces behind them, and parts of those that do not fit."""
    from rich.cells import cell_len

    for word in _WORD.findall(name):
        yield from [word] if cell_len(word.rstrip()) <= width else BREAKS.split(word)


def _wrapped(parts: Iterable[str], width: int) -> list[str]:
    from rich.cells import cell_len, chop_cells

    rows, row = [], ""
    for part in parts:
        if cell_len((row + part).rstrip()) <= width:
            row += part
            continue
        if row:
            rows.append(row)
        *full, row = chop_cells(part.rstrip() or part, width)
        rows += full
        row += part[len(part.rstrip()) :]
    return [*rows, row]
