"""Names from users are data, and do no harm where they are shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instance_images.names import fault_of_name, formula_safe, printable, suggestion


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "production-web-server-v2",
        "Käse 日本",
        "\U0001f600" * 255,
        "x" * 255,
        "=1+1",
        "<b>&</b>",
        "'; drop table images; --",
        "../../etc/passwd",
        "\U0001fae9\U0001faea",  # emoji of Unicode 16 and 17
        "a\u0378",  # not assigned yet
    ],
)
def test_a_name_that_only_looks_dangerous_is_accepted(name: str) -> None:
    assert fault_of_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " a",
        "a ",
        "\u3000a",
        "\u3000",
        "x" * 256,
        "a\nb",
        "a\tb",
        "a\x00",
        "\x1b[31mred",
        "a\u202eb",
        "a\u2066b",
        "a\u200b",
        "\ud800",
        "a\ufffe",
        "a\ufdd0",
        "a\U0010ffff",
        "a\ue000",
        "a\u2065b",
        "a\U000e0041",
        "a\U000e0fff",
        "a\u2028b",
        "a\x7f",
        "a\x9b31m",
    ],
)
def test_a_name_that_is_empty_too_long_or_not_printable_is_refused(name: str) -> None:
    assert fault_of_name(name)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("web-", " Did you mean 'Web-2' or 'web-1'?"),
        ("WEB-1", " Did you mean 'web-1' or 'Web-2'?"),
        ("databse", " Did you mean 'database'?"),
        ("something else", ""),
        ("", ""),
    ],
)
def test_near_names_are_suggested(wanted: str, told: str) -> None:
    assert suggestion(wanted, ["web-1", "database", "Web-2", "mail\x1b[2J"]) == told


def test_an_emoji_that_python_does_not_know_is_shown() -> None:
    assert printable("a\U0001faea\x1b\ufffe") == "a\U0001faea"


def test_terminal_escapes_and_direction_marks_are_removed_on_output() -> None:
    assert printable("a\x1b]0;x\x07\u202eb\r\nc\x9b2J") == "a]0;xbc2J"


@pytest.mark.parametrize("name", ["=1", "+1", "-1", "@x", "  =1", "\t=1", "\u202e=1"])
def test_no_spreadsheet_takes_a_name_for_a_formula(name: str) -> None:
    assert formula_safe(name).startswith("'")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("mark", ["", "x;", "x;  ", "x,", "x;y;"])
def test_a_formula_behind_a_separator_is_marked_too(mark: str, start: str) -> None:
    assert formula_safe(f"{mark}{start}cmd|x") in (
        f"{mark.rstrip()}'{mark[len(mark.rstrip()) :]}{start}cmd|x",
    )


@pytest.mark.parametrize("name", ["web-1", "a=b", "web 1 - copy", "x; y", "a@b", ""])
def test_other_names_stay_as_they_are(name: str) -> None:
    assert formula_safe(name) == name


@given(st.text())
def test_what_is_printable_stays_so(text: str) -> None:
    assert printable(printable(text)) == printable(text)
    assert not set(printable(text)) & {"\x1b", "\n", "\r", "\x00", "\u202e", "\x9b"}
