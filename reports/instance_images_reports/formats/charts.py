"""Bar charts as SVG that can stand inside a page.

Owns how a chart is drawn; the values are the statement's, and are never below zero. Its colours
are attributes, for what reads SVG alone; a page's style sheet can set others by class. The same
values give the same SVG. Geometry is in integers and decimals, as everything else.
"""

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from html import escape

_TEXT, _GRID = "#59636e", "#e3e7eb"
_FILLS = {"bar": "#3a7cae", "bar-pale": "#9aa7b3", "bar-forecast": "#b5d0e6"}  # by class
_WIDTH, _HEIGHT = 480, 180
_PLOT_TOP, _PLOT_BOTTOM = 12, 158
_LEAST_LEFT, _PLOT_RIGHT = Decimal(58), Decimal(_WIDTH - 2)
_CHARACTER = 7  # of a number beside a line
_PART_WIDTH, _PART_HEIGHT = 480, 7
_LABELLED_DAYS = (1, 5, 10, 15, 20, 25, 30)
_MAX_STEPS = 4
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True, slots=True)
class _Scale:
    """From zero to ``top``, with a line at every multiple of ``step``."""

    step: Decimal
    steps: int

    @property
    def top(self) -> Decimal:
        return self.step * self.steps

    def y(self, value: Decimal) -> Decimal:
        """Return how far from the top of the chart the value is."""
        height = value * (_PLOT_BOTTOM - _PLOT_TOP) / self.top
        return _PLOT_BOTTOM - height


def daily_bars(
    days: Sequence[date],
    values: Sequence[Decimal],
    *,
    titles: Sequence[str],
    number_text: Callable[[Decimal], str],
    description: str,
) -> str:
    """Return an ``<svg>`` element with a bar for each of the days, which are of one month.

    It is as wide as what it stands in. ``titles`` say each bar in words, ``number_text`` the
    numbers beside the lines; ``description`` is read aloud in place of the chart.
    """
    scale = _scale(max(values))
    days_of_month = calendar.monthrange(days[0].year, days[0].month)[1]
    values_of_lines = [scale.step * multiple for multiple in range(scale.steps + 1)]
    numbers = [number_text(value) for value in values_of_lines]
    left = max(_LEAST_LEFT, Decimal(9 + _CHARACTER * max(map(len, numbers))))
    width = (_PLOT_RIGHT - left) / days_of_month
    parts = [
        _grid_line(left, scale.y(value), number)
        for value, number in zip(values_of_lines, numbers, strict=True)
    ]
    parts += [
        _label(left + width * day - width / 2, _HEIGHT - 6, "middle", str(day))
        for day in _LABELLED_DAYS
        if day <= days_of_month
    ]
    parts += [
        _bar(left + width * (day.day - 1), scale.y(value), width, title)
        for day, value, title in zip(days, values, titles, strict=True)
    ]
    return _svg(f"0 0 {_WIDTH} {_HEIGHT}", description, "".join(parts))


def part_bar(part: Decimal, whole: Decimal, *, css_class: str = "bar") -> str:
    """Return an ``<svg>`` element that is filled as far as the part goes, with nothing to read.

    What is below zero or of nothing is an empty bar.
    """
    length = Decimal(0) if whole <= 0 or part <= 0 else min(part / whole, Decimal(1)) * _PART_WIDTH
    return (
        f'<svg class="part" viewBox="0 0 {_PART_WIDTH} {_PART_HEIGHT}" aria-hidden="true">'
        f'<rect class="{css_class}" width="{_text(length)}" height="{_PART_HEIGHT}" rx="1"'
        f' fill="{_FILLS[css_class]}"/></svg>'
    )


def _scale(highest: Decimal) -> _Scale:
    """Return a scale of a few round steps that the highest value fits under."""
    if highest <= 0:
        return _Scale(Decimal(1), 1)
    least = highest / _MAX_STEPS
    power = Decimal(1).scaleb(least.adjusted())
    step = next(one * power for one in _STEPS if one * power >= least)
    return _Scale(step, int((highest / step).to_integral_value(ROUND_CEILING)))


def _grid_line(left: Decimal, y: Decimal, number: str) -> str:
    label = _label(left - 7, y + 4, "end", number)
    return (
        f'<path class="grid" d="M{_text(left)} {_text(y)}H{_text(_PLOT_RIGHT)}"'
        f' stroke="{_GRID}" stroke-width="1" fill="none"/>{label}'
    )


def _bar(x: Decimal, y: Decimal, day_width: Decimal, title: str) -> str:
    gap = day_width / 7
    width, height = _text(day_width - 2 * gap), _text(_PLOT_BOTTOM - y)
    return (
        f'<rect class="bar" x="{_text(x + gap)}" y="{_text(y)}" width="{width}" height="{height}"'
        f' rx="1" fill="{_FILLS["bar"]}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _label(x: Decimal, y: Decimal | int, anchor: str, label: str) -> str:
    return (
        f'<text x="{_text(x)}" y="{_text(Decimal(y))}" text-anchor="{anchor}" font-size="11"'
        f' font-family="sans-serif" fill="{_TEXT}">{escape(label)}</text>'
    )


def _svg(view_box: str, description: str, content: str) -> str:
    label = escape(description, quote=True)
    return f'<svg role="img" aria-label="{label}" viewBox="{view_box}">{content}</svg>'


def _text(length: Decimal) -> str:
    """Return a length with the two decimals that are seen."""
    return f"{length.quantize(Decimal('0.01')).normalize():f}"
