"""Which images are adopted, and from when on, is decided from values alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from instance_images.model.adoption import (
    Expectation,
    adopted_at,
    is_eligible,
    is_expected,
    shelves,
)
from instance_images.model.cloud import Claims, CloudImage, CloudImageStatus, Shelf
from instance_images.model.records import AdoptionPolicy, AdoptMode

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
UPLOADED = CloudImage(
    id="i",
    name="disk",
    owner_id="p",
    status=CloudImageStatus.ACTIVE,
    size_bytes=1,
    virtual_size_bytes=None,
    min_disk_gib=0,
    min_ram_mib=0,
    changed_at=NOON,
    created_at=NOON,
)
SNAPSHOT = replace(UPLOADED, claims=Claims(source_instance_id="vm", looks_captured=True))
MARKED = replace(UPLOADED, claims=Claims(request_id="r"))
SHELF = replace(SNAPSHOT, claims=replace(SNAPSHOT.claims, looks_shelved=True))


@pytest.mark.parametrize(
    ("mode", "adopted"),
    [
        ("none", []),
        ("marked", [MARKED]),
        ("snapshots", [MARKED, SNAPSHOT]),
        ("private", [MARKED, SNAPSHOT, UPLOADED]),
    ],
)
def test_each_mode_adopts_what_those_before_it_do_and_more(
    mode: str, adopted: list[CloudImage]
) -> None:
    policy = AdoptionPolicy(AdoptMode(mode))

    assert [one for one in (MARKED, SNAPSHOT, UPLOADED) if is_eligible(one, policy)] == adopted


@pytest.mark.parametrize(
    "other",
    [
        replace(UPLOADED, is_public=True),
        replace(UPLOADED, owner_id="operator"),
        replace(UPLOADED, owner_id=""),
        replace(UPLOADED, size_bytes=0),
        replace(UPLOADED, size_bytes=None),
        replace(UPLOADED, status=CloudImageStatus.QUEUED),
        replace(UPLOADED, status=CloudImageStatus.SAVING),
        replace(UPLOADED, status=CloudImageStatus.LOST),
    ],
)
def test_what_is_the_operators_or_has_no_owner_or_no_bytes_is_not_adopted(
    other: CloudImage,
) -> None:
    policy = AdoptionPolicy(AdoptMode.PRIVATE, frozenset({"operator"}))

    assert is_eligible(UPLOADED, policy)
    assert not is_eligible(other, policy)


def test_of_the_images_that_claim_to_be_a_shelved_disk_the_smallest_is_believed() -> None:
    before = replace(SHELF, id="before", created_at=NOON - MINUTE, size_bytes=10**12)

    assert shelves([before, SHELF], {"vm": Shelf("p")}) == {"i"}


def test_no_image_that_is_larger_than_the_disk_of_an_instance_holds_it() -> None:
    assert shelves([replace(SHELF, size_bytes=10)], {"vm": Shelf("p", 10)}) == {"i"}
    assert shelves([replace(SHELF, size_bytes=11)], {"vm": Shelf("p", 10)}) == set()


@pytest.mark.parametrize(
    ("shelved", "image"),
    [
        ({}, SHELF),
        ({"vm": Shelf("another project")}, SHELF),
        ({"other vm": Shelf("p")}, SHELF),
        ({"vm": Shelf("p")}, SNAPSHOT),
    ],
)
def test_no_image_is_a_shelved_disk_by_its_own_word(
    shelved: dict[str, Shelf], image: CloudImage
) -> None:
    assert shelves([image], shelved) == set()


def test_image_may_be_that_of_a_capture_whose_mark_it_has_and_that_was_just_asked_for() -> None:
    def expected(since: datetime, now: datetime, mark: str = "r") -> bool:
        return is_expected(MARKED, [Expectation(mark, since, since + 10 * MINUTE)], now)

    assert expected(NOON - MINUTE, NOON + MINUTE)
    assert expected(NOON + MINUTE, NOON + MINUTE)  # the cloud's clock is a little behind
    assert not expected(NOON + 3 * MINUTE, NOON + 3 * MINUTE)
    assert not expected(NOON - MINUTE, NOON + 9 * MINUTE)
    assert not expected(NOON - MINUTE, NOON + MINUTE, mark="another's")
    assert not is_expected(MARKED, [], NOON)


@pytest.mark.parametrize(
    ("last_read_at", "was_adopting", "since"),
    [
        (None, False, NOON + 5 * MINUTE),
        (NOON - MINUTE, True, NOON),
        (NOON - MINUTE, False, NOON + 5 * MINUTE),
        (NOON + MINUTE, True, NOON + 5 * MINUTE),
    ],
    ids=["first reading", "made since", "nothing was adopted then", "was not adopted then"],
)
def test_nothing_is_billed_from_before_anybody_could_know(
    last_read_at: datetime | None, was_adopting: bool, since: datetime
) -> None:
    begins = adopted_at(
        SNAPSHOT,
        last_read_at=last_read_at,
        was_adopting=was_adopting,
        read_at=NOON + 5 * MINUTE,
    )

    assert begins == since


def test_an_image_of_the_future_is_billed_from_its_reading_on() -> None:
    ahead = replace(SNAPSHOT, changed_at=NOON + 9 * MINUTE)

    begins = adopted_at(ahead, last_read_at=NOON, was_adopting=True, read_at=NOON + MINUTE)

    assert begins == NOON + MINUTE
