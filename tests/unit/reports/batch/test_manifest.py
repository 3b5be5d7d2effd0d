"""A manifest is read as it was written, and nothing else is read."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instance_images.errors import Refused
from instance_images_reports.batch.manifest import (
    AccountFile,
    File,
    Manifest,
    Place,
    manifest_json,
    parse_manifest,
    totals_of,
)

NANOS = st.integers(-(10**18), 10**18)
FILES = st.builds(File, st.text(max_size=20), st.text("0123456789abcdef"), st.integers(0, 2**40))
ACCOUNTS = st.builds(
    AccountFile,
    st.text(max_size=64),
    st.text(max_size=20),
    st.sampled_from(["EUR", "JPY"]),
    st.integers(0, 10**6),
    st.decimals(-(10**9), 10**9, places=2),
    st.dictionaries(st.sampled_from(["RegionOne", "RegionTwo"]), NANOS),
    FILES,
)


def manifest(accounts: list[AccountFile]) -> Manifest:
    return Manifest(
        "0.1.0",
        "2026-11",
        "Europe/Berlin",
        "open",
        "json",
        [
            Place("RegionOne", datetime(2026, 11, 23, 12, tzinfo=UTC), 17),
            Place("RegionTwo", None, 0),
        ],
        accounts,
        [File("summary.csv", "00ff", 12)],
        totals_of(accounts),
    )


@given(st.lists(ACCOUNTS, max_size=4))
def test_what_was_written_is_read(accounts: list[AccountFile]) -> None:
    written = manifest_json(manifest(accounts))

    assert written.isascii()
    assert parse_manifest(written) == manifest(accounts)


def test_totals_are_the_sums_of_their_location_and_currency() -> None:
    accounts = [
        AccountFile("a", "", "EUR", 1, Decimal("1.50"), {"One": 10**9, "Two": 5 * 10**8}),
        AccountFile("a", "", "USD", 1, Decimal("7.00"), {"One": 7 * 10**9}),
        AccountFile("b", "", "EUR", 1, Decimal("2.00"), {"One": 2 * 10**9}),
    ]

    assert totals_of(accounts) == {
        ("One", "EUR"): 3 * 10**9,
        ("One", "USD"): 7 * 10**9,
        ("Two", "EUR"): 5 * 10**8,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exact", "1e999999999"),
        ("exact", "NaN"),
        ("exact", "1.0"),
        ("exact", 1),
        ("exact", "2.000000000"),  # its location says 1.000000000
        ("total", "Infinity"),
        ("lines", "many"),
        ("locations", ["RegionOne"]),
    ],
)
def test_an_amount_that_is_none_is_refused(name: str, value: object) -> None:
    good = AccountFile("a", "", "EUR", 1, Decimal("1.00"), {"One": 10**9}, File("p", "00", 1))
    read = json.loads(manifest_json(manifest([good])))
    assert parse_manifest(json.dumps(read)) == manifest([good])
    read["accounts"][0][name] = value

    with pytest.raises(Refused, match=r"manifest\.json is no manifest"):
        parse_manifest(json.dumps(read))
