"""The name of an account's file is harmless, and its own."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instance_images_reports.batch.file_names import account_file_name

IDS = st.text(max_size=64) | st.text("aAbB-_./\\ 0", max_size=6)


def test_an_id_of_keystone_names_its_file() -> None:
    account_id = "5f0c6f1e2d3b4a59a7f5d3a1b0c9e8f7"

    assert account_file_name(account_id, "EUR", ".json") == f"accounts/{account_id}_EUR.json"


@pytest.mark.parametrize(
    "account_id",
    [
        "",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "a\0b",
        "a b",
        "a\n",
        ".hidden",
        "-rf",
        "=cmd|' /C calc'!A0",
        "ABC",
        "ä",
        "\u202egnp",
        "x" * 65,
        "sha256-" + "0" * 57,
    ],
)
def test_an_id_that_is_not_harmless_is_written_as_its_digest(account_id: str) -> None:
    digest = hashlib.sha256(account_id.encode()).hexdigest()

    assert account_file_name(account_id, "EUR", ".csv") == f"accounts/sha256-{digest}_EUR.csv"


@given(IDS, IDS, st.sampled_from(["EUR", "USD"]), st.sampled_from(["EUR", "USD"]))
def test_no_two_accounts_share_a_file_even_where_case_is_ignored(
    one: str, other: str, currency: str, other_currency: str
) -> None:
    names = {
        account_file_name(one, currency, ".csv").casefold(),
        account_file_name(other, other_currency, ".csv").casefold(),
    }

    assert len(names) == (1 if (one, currency) == (other, other_currency) else 2)


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "../"])
def test_what_is_no_currency_is_a_bug(currency: str) -> None:
    with pytest.raises(ValueError, match="is no currency"):
        account_file_name("a", currency, ".csv")
