"""How charts are drawn. What a bar stands for is worked out beside it."""

import re
from datetime import date
from decimal import Decimal

import pytest

from instance_images_reports.formats.charts import daily_bars, part_bar


def chart(*values: str, month: int = 11, description: str = "what it shows") -> str:
    days = [date(2026, month, day) for day in range(1, len(values) + 1)]
    return daily_bars(
        days,
        [Decimal(value) for value in values],
        titles=[f"<{value}>" for value in values],
        number_text=lambda number: f"{number:f}",
        description=description,
    )


def attributes(svg: str, name: str) -> list[Decimal]:
    return [
        Decimal(found) for found in re.findall(rf'<rect class="bar"[^>]* {name}="([\d.]+)"', svg)
    ]


def labels(svg: str) -> list[str]:
    return re.findall(r"<text [^>]*>([^<]*)</text>", svg)


def test_a_bar_is_as_high_as_its_value() -> None:
    # The plot is 146 high, its top 4: a value of 4 fills it, 2 half of it.
    svg = chart("4", "2", "0")

    assert attributes(svg, "height") == [146, 73, 0]
    assert attributes(svg, "y") == [12, 85, 158]


def test_a_bar_stands_in_its_place_however_many_days_are_metered() -> None:
    assert attributes(chart("1"), "x")[0] == attributes(chart(*["1"] * 30), "x")[0]


@pytest.mark.parametrize(
    ("highest", "steps"),
    [
        ("4", ["0", "1", "2", "3", "4"]),
        ("83", ["0", "25", "50", "75", "100"]),
        ("0.136", ["0.00", "0.05", "0.10", "0.15"]),
        ("9", ["0.0", "2.5", "5.0", "7.5", "10.0"]),
        ("0", ["0", "1"]),
        ("123456789012", ["0", "50000000000", "100000000000", "150000000000"]),
    ],
)
def test_the_lines_are_at_a_few_round_numbers(highest: str, steps: list[str]) -> None:
    assert labels(chart(highest))[: len(steps)] == steps


@pytest.mark.parametrize("highest", ["4", "0.0000017", "123456789012"])
def test_numbers_beside_the_lines_are_inside_the_chart(highest: str) -> None:
    svg = chart(highest)

    numbers = re.findall(r'<text x="([\d.]+)" [^>]*text-anchor="end"[^>]*>([^<]*)</text>', svg)
    assert numbers
    # A digit of 11 points is about 6.4 wide in a sans serif font.
    assert all(Decimal(x) - Decimal("6.4") * len(text) >= 0 for x, text in numbers)


@pytest.mark.parametrize(("month", "last"), [(11, "30"), (2, "25")])
def test_a_chart_shows_the_whole_month(month: int, last: str) -> None:
    days = labels(chart("1", month=month))[2:]

    assert days[-1] == last
    assert "1" in days


def test_a_chart_escapes_what_it_says() -> None:
    svg = chart("1", description='a "b" <c>')

    assert 'aria-label="a &quot;b&quot; &lt;c&gt;"' in svg
    assert "<title>&lt;1&gt;</title>" in svg


def test_a_chart_has_colours_without_a_style_sheet() -> None:
    svg = chart("1")

    assert "style" not in svg
    assert all(' fill="' in element for element in re.findall(r"<(?:rect|text|path) [^>]*>", svg))


@pytest.mark.parametrize(
    ("part", "whole", "length"),
    [("1", "2", "240"), ("2", "2", "480"), ("3", "2", "480"), ("-1", "2", "0"), ("1", "0", "0")],
)
def test_a_part_fills_as_much_of_its_bar(part: str, whole: str, length: str) -> None:
    svg = part_bar(Decimal(part), Decimal(whole))

    assert attributes(svg, "width") == [Decimal(length)]
    assert 'aria-hidden="true"' in svg
