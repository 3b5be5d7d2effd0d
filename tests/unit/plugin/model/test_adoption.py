"""Which images are adopted, and from when on, is decided from values alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from instance_images.model.adoption import adopted_at, is_eligible, is_expected, shelves
from instance_images.model.cloud import Claims, CloudImage, CloudImageStatus
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


def test_of_the_images_that_claim_to_be_a_shelved_disk_the_oldest_is_believed() -> None:
    later = replace(SHELF, id="later", created_at=NOON + MINUTE, size_bytes=10**12)

    assert shelves([later, SHELF], {"vm": "p"}) == {"i"}


@pytest.mark.parametrize(
    ("shelved", "image"),
    [
        ({}, SHELF),
        ({"vm": "another project"}, SHELF),
        ({"other vm": "p"}, SHELF),
        ({"vm": "p"}, SNAPSHOT),
    ],
)
def test_no_image_is_a_shelved_disk_by_its_own_word(
    shelved: dict[str, str], image: CloudImage
) -> None:
    assert shelves([image], shelved) == set()


def test_an_image_may_be_that_of_a_capture_that_was_asked_for_before_it() -> None:
    assert is_expected(SNAPSHOT, [NOON - MINUTE])
    assert is_expected(SNAPSHOT, [NOON + MINUTE])  # the cloud's clock is a little behind
    assert not is_expected(SNAPSHOT, [NOON + 3 * MINUTE])
    assert not is_expected(SNAPSHOT, [])


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
