"""Bar charts as SVG that can stand inside a page.

Owns how a chart is drawn; the values are the statement's. Takes its colours from the page's CSS
variables, so that it follows a dark page. The same values give the same SVG.
"""

import calendar
import io
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colours that stand for a CSS variable while the chart is drawn, and that variable with what is
# shown where it is not set.
_BAR, _TEXT, _GRID = "#010203", "#040506", "#070809"
_CSS_COLOURS = {
    _BAR: "var(--chart-bar, #2b6a99)",
    _TEXT: "var(--chart-text, #5b6570)",
    _GRID: "var(--chart-grid, #dfe3e8)",
}
_SIZE_INCHES = (5.0, 1.9)
_LABELLED_DAYS = (1, 5, 10, 15, 20, 25, 30)
# Without a date and a version in it, the same values give the same text.
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


def bar_chart_svg(
    days: Sequence[date], values: Sequence[Decimal], *, chart_id: str, description: str
) -> str:
    """Return an ``<svg>`` element with a bar for each of the days, which are of one month.

    It is as wide as what it stands in. ``chart_id`` begins every id in it: give each chart of a
    page its own. ``description`` is read aloud in place of the chart.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": chart_id, "font.size": 9}):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        _draw(figure, days, values)
        figure.savefig(file, format="svg", transparent=True, metadata=_NO_METADATA)
    return _inlined(file.getvalue(), chart_id, description)


def _draw(figure: "Figure", days: Sequence[date], values: Sequence[Decimal]) -> None:
    """Draw the bars on an axis of the whole month, so that missing days are seen."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    days_of_month = calendar.monthrange(days[0].year, days[0].month)[1]
    axes = figure.subplots()
    axes.bar([day.day for day in days], [float(value) for value in values], 0.7, color=_BAR)
    axes.set_xlim(0.4, days_of_month + 0.6)
    axes.set_xticks([day for day in _LABELLED_DAYS if day <= days_of_month])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    if not any(values):
        axes.set_ylim(0, 1)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=_GRID, linewidth=0.7)
    axes.tick_params(length=0, labelcolor=_TEXT)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)


def _inlined(document: str, chart_id: str, description: str) -> str:
    """Turn a document of matplotlib into an element that shares a page with others."""
    svg = document[document.index("<svg") :].rstrip()
    # Its style sheet would hold for the whole page.
    svg = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{chart_id}-", svg)
    for colour, variable in _CSS_COLOURS.items():
        svg = svg.replace(colour, variable)
    label = escape(description, quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
