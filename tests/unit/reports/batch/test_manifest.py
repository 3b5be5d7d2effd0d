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
    account_id=st.text(max_size=64),
    account_name=st.text(max_size=20),
    currency=st.sampled_from(["EUR", "JPY"]),
    lines_count=st.integers(0, 10**6),
    total=st.decimals(-(10**9), 10**9, places=2),
    nanos=st.dictionaries(st.sampled_from(["RegionOne", "RegionTwo"]), NANOS),
    file=FILES,
)


def manifest(accounts: list[AccountFile]) -> Manifest:
    return Manifest(
        version="0.1.0",
        period="2026-11",
        timezone="Europe/Berlin",
        period_state="open",
        output_format="json",
        places=[
            Place("RegionOne", datetime(2026, 11, 23, 12, tzinfo=UTC), 17),
            Place("RegionTwo", None, 0),
        ],
        accounts=accounts,
        shared=[File("summary.csv", "00ff", 12)],
        totals=totals_of(accounts),
    )


@given(st.lists(ACCOUNTS, max_size=4))
def test_what_was_written_is_read(accounts: list[AccountFile]) -> None:
    written = manifest_json(manifest(accounts))

    assert written.isascii()
    assert parse_manifest(written) == manifest(accounts)


def test_totals_are_the_sums_of_their_location_and_currency() -> None:
    accounts = [
        AccountFile(
            account_id="a",
            account_name="",
            currency="EUR",
            lines_count=1,
            total=Decimal("1.50"),
            nanos={"One": 10**9, "Two": 5 * 10**8},
        ),
        AccountFile(
            account_id="a",
            account_name="",
            currency="USD",
            lines_count=1,
            total=Decimal("7.00"),
            nanos={"One": 7 * 10**9},
        ),
        AccountFile(
            account_id="b",
            account_name="",
            currency="EUR",
            lines_count=1,
            total=Decimal("2.00"),
            nanos={"One": 2 * 10**9},
        ),
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
    good = AccountFile(
        account_id="a",
        account_name="",
        currency="EUR",
        lines_count=1,
        total=Decimal("1.00"),
        nanos={"One": 10**9},
        file=File("p", "00", 1),
    )
    read = json.loads(manifest_json(manifest([good])))
    assert parse_manifest(json.dumps(read)) == manifest([good])
    read["accounts"][0][name] = value

    with pytest.raises(Refused, match=r"manifest\.json is no manifest"):
        parse_manifest(json.dumps(read))
