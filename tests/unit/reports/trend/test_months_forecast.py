"""The forecast of the next months, worked out by hand beside its input."""

from fractions import Fraction

from instance_images_reports.trend.forecast import forecast_months


def amounts(*totals: int) -> list[Fraction]:
    return [Fraction(total) for total in totals]


def test_the_mean_change_of_the_months_goes_on() -> None:
    # From 100 to 130 in two steps: 15 a month, so 145, 160, 175.
    # Error: for the third month 100, 110 gave 120, and it was 130: off by 10.
    found = forecast_months(amounts(100, 110, 130))

    assert found is not None
    assert found.amounts == amounts(145, 160, 175)
    assert (found.mean_error, found.errors_count, found.basis_months) == (10, 1, 3)


def test_only_the_last_six_months_count() -> None:
    # The last six: 20, 30, 40, 50, 60, 70; 10 a month. Errors, from the third month on:
    # 1000, 20 gave 0 (-960 is below zero), was 30: 30. 1000..30 gave 0, was 40: 40. 50, 60 alike;
    # 1000, 20, 30, 40, 50, 60 gave 0, was 70: 70. (30 + 40 + 50 + 60 + 70) / 5 = 50.
    found = forecast_months(amounts(1000, 20, 30, 40, 50, 60, 70))

    assert found is not None
    assert found.amounts == amounts(80, 90, 100)
    assert (found.mean_error, found.errors_count, found.basis_months) == (50, 5, 6)


def test_a_forecast_is_never_below_zero() -> None:
    # From 90 to 30 in two steps: 30 less a month.
    found = forecast_months(amounts(90, 60, 30))

    assert found is not None
    assert found.amounts == amounts(0, 0, 0)
    assert found.mean_error == 0


def test_two_months_are_too_few() -> None:
    assert forecast_months(amounts(100, 110)) is None
