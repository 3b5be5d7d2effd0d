"""Headings and tables of reports as plain text, for a terminal or an e-mail."""

from collections.abc import Sequence

_MAX_NAME_CELLS = 40
GAP = "  "
Row = Sequence[str]


def heading(title: str, underline: str) -> list[str]:
    """Return the title and a line of the character, as wide as the title."""
    from rich.cells import cell_len

    return [title, underline * cell_len(title)]


def table(titles: Row, rows: Sequence[Row], *, numbers: int, total: Row | None = None) -> list[str]:
    """Return the rows with their cells aligned: the last ``numbers`` columns to the right.

    A rule divides the titles, and a row of totals, from the others.
    """
    from rich.cells import cell_len, set_cell_size

    short = [[cut(row[0]), *row[1:]] for row in rows]
    drawn = [row for row in (titles, *short, total) if row]
    widths = [max(map(cell_len, column)) for column in zip(*drawn, strict=True)]
    first_number = len(widths) - numbers

    def line(row: Row) -> str:
        cells = [
            set_cell_size(cell, width)
            if index < first_number
            else " " * (width - cell_len(cell)) + cell
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return GAP.join(cells).rstrip()

    rule = "-" * (sum(widths) + len(GAP) * (len(widths) - 1))
    lines = [line(row) for row in short]
    if titles:
        lines = [line(titles), rule, *lines]
    return [*lines, rule, line(total)] if total else lines


def cut(name: str) -> str:
    """Return a name of at most 40 cells."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(name) <= _MAX_NAME_CELLS:
        return name
    return set_cell_size(name, _MAX_NAME_CELLS - 1) + "…"
