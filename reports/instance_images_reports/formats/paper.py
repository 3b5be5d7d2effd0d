"""How the table of images fits on paper: the fonts, and the size that its widest row allows.

A browser shrinks a page that is too wide when it prints it; WeasyPrint cuts it off. So the widest
numbers are counted before the page is laid out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from instance_images_reports.statement.statement import Section
from instance_images_reports.wording.words import Words

# Named one by one, so that a page looks the same whatever else is installed. A font for emoji is
# never named: it has digits too, and fontconfig prefers a font that is named to one that
# "sans-serif" stands for.
FONTS = '"DejaVu Sans", "Liberation Sans", "Noto Sans", sans-serif'

_LARGEST_POINTS, _SMALLEST_POINTS = 7.2, 4.5
_DIGIT = 0.64  # width of a digit in DejaVu Sans, the widest of the fonts, to its size
_BOLD_DIGIT = 0.70
_MILLIMETRES_PER_POINT = 25.4 / 72
# Widths in the style sheet, in millimetres: paper less margins, padding of ten columns, and the
# least widths of names and locations.
_TABLE = {"a4": 182.0, "letter": 187.9}
_PADDING = 10 * 2.4 - 1.2
_NAMES = 23.0 + 17.0 + 15.0
_DATES = 2 * len("23 Nov 2026") + 2


@dataclass(frozen=True, slots=True)
class TableSize:
    """The font size of the table in points, and whether numbers have to break even so."""

    points: float
    numbers_may_break: bool


def table_size(sections: Iterable[Section], words: Words, paper: str) -> TableSize:
    """Return the largest size in which no row of the sections' tables is wider than the paper."""
    width = max((_row_width(section, words) for section in sections), default=0.0)
    room = (_TABLE[paper] - _PADDING - _NAMES) / _MILLIMETRES_PER_POINT
    fitting = room / width if width else _LARGEST_POINTS
    points = min(_LARGEST_POINTS, max(_SMALLEST_POINTS, fitting))
    return TableSize(round(points, 1), numbers_may_break=fitting < _SMALLEST_POINTS)


def _row_width(section: Section, words: Words) -> float:
    """Return the width of dates and numbers in the widest row, in units of the font size."""
    lines = section.lines
    if not lines:
        return 0.0
    columns = (
        words.size(max(lines, key=lambda line: line.size_bytes)),
        words.duration(max(line.billable_seconds for line in lines)),
        words.quantity(max(line.unit_hours for line in lines)),
        max((words.rate(rate) for rate in {line.rate for line in lines}), key=len),
    )
    charge = max((words.amount(amount) for amount in _charges(section)), key=len)
    return _DIGIT * (_DATES + sum(map(len, columns))) + _BOLD_DIGIT * len(charge)


def _charges(section: Section) -> list[Decimal]:
    """Return the amounts of which one has the most digits."""
    amounts = [line.amount for line in section.lines] + [
        each.amount for each in section.adjustments
    ]
    return [min(amounts), max(amounts), section.total]
