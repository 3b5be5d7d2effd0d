"""The sum of the reports is the sum of the postings, and whatever differs is named."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.db.tables import accounts
from instance_images.errors import Refused
from instance_images_billing.ledger.tables import postings
from instance_images_reports.batch.manifest import MANIFEST
from instance_images_reports.presentation import Presentation

from support.clouds.memory_cloud import GB
from support.worlds.books_world import EUR, BooksWorld, books_world
from support.worlds.ledger_world import at

Change = Callable[[Path], None]


@pytest.fixture
def world(database: Database) -> BooksWorld:
    """Account a has three hours at RegionOne and one at RegionTwo, b has 1.5 hours of 2 GB."""
    world = books_world(database)
    world.one.capture("2T12:00", "web", "a")
    world.one.capture("2T13:30", "db", "b", 2 * GB)
    world.two.capture("2T14:00", "web", "a")
    world.run("2T15:05")
    return world


@pytest.fixture
def small(tmp_path: Path) -> BooksWorld:
    """The same on SQLite alone, for what does not depend on the database."""
    database = Database(f"sqlite:///{tmp_path / 'small.db'}")
    upgrade(database)
    world = books_world(database)
    world.one.capture("2T12:00", "web", "a")
    world.one.capture("2T13:30", "db", "b", 2 * GB)
    world.run("2T15:05")
    return world


def test_folder_and_statements_come_to_what_the_ledger_charges(
    world: BooksWorld, tmp_path: Path
) -> None:
    world.write(tmp_path / "reports")

    for proof in (world.prove(tmp_path / "reports"), world.prove()):
        assert (proof.findings, proof.note) == ([], None)
        assert [(one.location, one.currency, one.ledger, one.reports) for one in proof.rows] == [
            ("RegionOne", "EUR", 6 * EUR, 6 * EUR),
            ("RegionTwo", "USD", EUR, EUR),
        ]


@pytest.mark.parametrize("nanos", [1, -1])
def test_a_posting_that_was_changed_by_a_nano_is_found(
    world: BooksWorld, tmp_path: Path, nanos: int
) -> None:
    world.write(tmp_path / "reports")
    with world.one.database.writing() as connection:
        connection.exec_driver_sql(
            f"UPDATE postings SET amount_nanos = amount_nanos + {nanos}"
            f" WHERE starts_at = {int(at('2T13:00').timestamp())} AND account_key ="
            " (SELECT account_key FROM accounts WHERE account_id = 'b')"
        )

    proof = world.prove(tmp_path / "reports")

    assert [one.difference for one in proof.rows] == [-nanos, 0]
    changed = "3.000000001" if nanos > 0 else "2.999999999"
    assert proof.findings == [
        f"account b, RegionOne, EUR: reported is 3.000000000, and the ledger charges {changed}"
    ]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE postings SET amount_nanos = amount_nanos + 10",
        "UPDATE postings SET byte_seconds = byte_seconds + 1",
        "UPDATE intervals SET size_bytes = size_bytes + 1",
        "UPDATE intervals SET starts_at = starts_at + 1",
    ],
)
def test_without_a_folder_whatever_no_statement_can_be_made_of_is_found(
    world: BooksWorld, change: str
) -> None:
    with world.one.database.writing() as connection:
        connection.exec_driver_sql(
            f"{change} WHERE account_key = (SELECT account_key FROM accounts WHERE account_id = 'b'"
            " AND location = 'RegionOne')"
        )

    (finding,) = world.prove().findings

    assert finding.startswith("account b, RegionOne, EUR: The postings of the ledger do not add up")


def test_without_a_folder_free_storage_is_taken_off_by_the_hour(world: BooksWorld) -> None:
    world.one.location = replace(world.one.location, free_units=Decimal(1))
    world.one.set_rate(from_hour="2T16:00")
    world.run("2T18:05")

    proof = world.prove()

    assert proof.findings == []
    # Of the 3 GB, a's one and one of b's two are free from 16:00 on.
    assert [one.reports for one in proof.rows] == [6 * EUR + 3 * EUR + 2 * EUR, 4 * EUR]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) > 0
    path.write_text(text.replace(old, new))


def edit_row(directory: Path, whose: str, /, **changes: object) -> None:
    """Change fields of an account's row of the manifest."""
    path = directory / MANIFEST
    manifest = json.loads(path.read_text())
    for row in manifest["accounts"]:
        if row["account_id"] == whose:
            row |= changes
    path.write_text(json.dumps(manifest))


def edit_report_and_digest(directory: Path) -> None:
    """Make b's report cheaper, and give the manifest the new digest."""
    path = directory / "accounts/b_EUR.json"
    edit(path, '"3.00"', '"2.00"')
    content = path.read_bytes()
    edit_row(directory, "b", sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def edit_report_manifest_and_totals(directory: Path) -> None:
    """Make b's report cheaper in every place of the folder."""
    edit_report_and_digest(directory)
    exact = {"total": "2.00", "exact": "2.000000000", "locations": {"RegionOne": "2.000000000"}}
    edit_row(directory, "b", **exact)
    edit(directory / MANIFEST, '"6.000000000"', '"5.000000000"')


CHANGES: list[tuple[str, Change]] = [
    (
        "accounts/b_EUR.json: was changed: its size or SHA-256 differs",
        lambda d: edit(d / "accounts/b_EUR.json", '"3.00"', '"2.00"'),
    ),
    ("accounts/b_EUR.json: cannot be read:", lambda d: (d / "accounts/b_EUR.json").unlink()),
    (
        "accounts/c_EUR.json: is not in the manifest",
        lambda d: (d / "accounts/c_EUR.json").write_text("{}") and None,
    ),
    (
        "summary.csv: was changed: its size",
        lambda d: edit(d / "summary.csv", "3.00", "2.00"),
    ),
    (
        "accounts/b_EUR.json: is of b, EUR, with 1 lines that add up to 2.00, total 2.00; the"
        " manifest has b, EUR, 1 lines, total 3.00",
        edit_report_and_digest,
    ),
    (
        "account b, RegionOne, EUR: reported is 2.000000000, and the ledger charges 3.000000000",
        edit_report_manifest_and_totals,
    ),
    (
        "account b, EUR: its report says 2.00, and 3.000000000 is 3.00",
        lambda d: edit_row(d, "b", total="2.00"),
    ),
    (
        "manifest.json: RegionOne, EUR: the reports add up to 6.000000000, and its total is"
        " 7.000000000",
        lambda d: edit(d / MANIFEST, '"exact": "6.000000000"', '"exact": "7.000000000"'),
    ),
    (
        "account b, RegionOne, EUR: reported is nothing, and the ledger charges 3.000000000",
        lambda d: edit_row(d, "b", account_id="c"),
    ),
    (
        "manifest.json: ../../../etc/passwd: does not match the name of the file",
        lambda d: edit_row(d, "b", path="../../../etc/passwd"),
    ),
    ("manifest.json: has account a, EUR twice", lambda d: edit_row(d, "b", account_id="a")),
]


@pytest.mark.parametrize(
    ("finding", "change"), CHANGES, ids=[finding[:40] for finding, _ in CHANGES]
)
def test_whatever_is_changed_in_a_folder_is_found(
    small: BooksWorld, tmp_path: Path, finding: str, change: Change
) -> None:
    small.write(tmp_path / "reports")
    change(tmp_path / "reports")

    findings = small.prove(tmp_path / "reports").findings

    assert any(finding in found for found in findings), findings


def test_csv_for_spreadsheets_is_read_back(small: BooksWorld, tmp_path: Path) -> None:
    small.write(tmp_path / "reports", "csv", presentation=Presentation(locale="de_DE"))

    assert small.prove(tmp_path / "reports").findings == []


def test_totals_of_a_csv_are_read_back(small: BooksWorld, tmp_path: Path) -> None:
    small.write(tmp_path / "reports", "csv")
    path = tmp_path / "reports/accounts/b_EUR.csv"
    edit(path, ",3.00,", ",2.00,")
    content = path.read_bytes()
    edit_row(
        tmp_path / "reports",
        "b",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
    )

    (finding,) = small.prove(tmp_path / "reports").findings

    assert "lines that add up to 2.00" in finding


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"report": "cloud-usage"}',
        "\udcff",
        '{"report": "cloud-usage-manifest", "version": 1}',
    ],
)
def test_a_manifest_that_is_none_is_refused(
    small: BooksWorld, tmp_path: Path, content: str
) -> None:
    (tmp_path / MANIFEST).write_bytes(content.encode(errors="surrogateescape"))

    with pytest.raises(Refused, match=r"is (no manifest|not a folder) of"):
        small.prove(tmp_path)


def test_a_folder_of_another_period_is_refused(small: BooksWorld, tmp_path: Path) -> None:
    small.write(tmp_path / "reports")

    with pytest.raises(Refused, match="holds the reports of 2026-11, not of 2026-10"):
        small.prove(tmp_path / "reports", name="2026-10")


# ------------------------------------------------------------------------- property

LIVES = st.lists(
    st.tuples(
        st.integers(0, 1),  # location
        st.sampled_from("abc"),  # account
        st.integers(1, 10**12),  # bytes
        st.integers(0, 11),  # begins: tens of minutes
        st.integers(1, 12) | st.none(),  # lasts: tens of minutes
    ),
    max_size=6,
)


@given(LIVES, st.integers(0, 10**12), st.integers(0, 10**12))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_for_any_ledger_the_manifest_adds_up_to_the_postings(
    lives: list[tuple[int, str, int, int, int | None]], price: int, later_price: int
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = Database(f"sqlite:///{directory}/ledger.db")
        upgrade(database)
        world = books_world(database)
        live(world, lives, price, later_price)

        manifest = world.write(Path(directory) / "reports", "csv")

        posted = {}
        for at_location, currency in ((world.one, "EUR"), (world.two, "USD")):
            nanos = [posting.amount_nanos for posting in postings_of(at_location)]
            if nanos:
                posted[at_location.location.name, currency] = sum(nanos)
        assert dict(manifest.totals) == posted
        assert world.prove(Path(directory) / "reports").findings == []
        proof = world.prove()
        assert proof.findings == []
        assert {(one.location, one.currency): one.reports for one in proof.rows} == posted
        database.engine.dispose()


def live(
    world: BooksWorld,
    lives: list[tuple[int, str, int, int, int | None]],
    price: int,
    later_price: int,
) -> None:
    """Let images begin and end on the third, and rates change in the middle of it."""
    both = (world.one, world.two)
    for each in both:
        each.set_rate(price, "3T00:00")
        each.set_rate(later_price, "3T01:00")
    events: list[tuple[int, int, int]] = []
    for index, (_, _, _, begins, lasts) in enumerate(lives):
        events.append((begins, 0, index))
        if lasts is not None:
            events.append((begins + lasts, 1, index))
    images: dict[int, str] = {}
    for tens, is_end, index in sorted(events):
        place, account, size, *_ = lives[index]
        when = f"3T{tens // 6:02}:{tens % 6}0"
        if is_end:
            both[place].delete(when, images[index], account)
        else:
            images[index] = both[place].capture(when, f"image-{index}", account, size)
    world.run("3T04:05")


def postings_of(world: Any) -> list[Any]:
    """Return the postings of the one location alone."""
    query = sa.select(postings.c.amount_nanos).join(
        accounts, accounts.c.account_key == postings.c.account_key
    )
    with world.database.reading() as connection:
        return list(connection.execute(query.where(accounts.c.location == world.location.name)))
