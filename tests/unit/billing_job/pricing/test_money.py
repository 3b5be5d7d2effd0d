"""Prices and amounts are exact."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instance_images.errors import UsageError
from instance_images_billing.pricing.money import (
    decimal_of,
    divide_half_even,
    parse_price,
    price_text,
    round_half_even,
)


@pytest.mark.parametrize(
    ("text", "nanos"),
    [("0.05", 50_000_000), ("0", 0), ("1", 10**9), ("0.000000001", 1), ("1000000", 10**15)],
)
def test_a_price_is_read_to_the_nano(text: str, nanos: int) -> None:
    assert parse_price(text) == nanos


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1e3",
        "NaN",
        "inf",
        ".5",
        "5.",
        "0,05",
        "0.0000000001",
        "1000000.1",
        "٣",
        "0.05 EUR",
        " 1",
    ],
)
def test_what_is_no_price_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError):
        parse_price(text)


def test_half_a_nano_is_rounded_to_the_even_neighbour() -> None:
    assert [round_half_even(Fraction(n, 2)) for n in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


def test_a_price_is_shown_as_it_was_written() -> None:
    assert [price_text(n) for n in (50_000_000, 0, 10**9, 1, 123_456_789)] == [
        "0.05",
        "0.00",
        "1.00",
        "0.000000001",
        "0.123456789",
    ]


def test_an_amount_keeps_nine_decimals() -> None:
    assert f"{decimal_of(61):f}" == "0.000000061"


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**25))
def test_a_division_rounds_as_the_fraction_does(number: int, divisor: int) -> None:
    assert divide_half_even(number, divisor) == round_half_even(Fraction(number, divisor))
    assert divide_half_even(number * 2 + 1, 2) == round_half_even(Fraction(number * 2 + 1, 2))
