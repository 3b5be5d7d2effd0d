"""The most specific limit on record applies, and nobody gets past it."""

import pytest

from instance_images.errors import LimitReached
from instance_images.model.limits import UNLIMITED, applicable_limit, require_slot


@pytest.mark.parametrize(
    ("own", "keystone", "location", "applies"),
    [
        (3, 4, 5, (3, "account")),
        (0, 4, 5, (0, "account")),
        (None, 4, 5, (4, "keystone")),
        (None, 0, 5, (0, "keystone")),
        (None, -1, 5, (UNLIMITED, "keystone")),
        (None, None, 5, (5, "location")),
        (None, None, 0, (0, "location")),
        (None, None, None, (10, "default")),
    ],
)
def test_the_first_limit_on_record_applies(
    own: int | None, keystone: int | None, location: int | None, applies: tuple[int, str]
) -> None:
    assert applicable_limit(own, keystone, location, 10) == applies


def test_an_unlimited_account_always_gets_a_slot() -> None:
    require_slot("acme", "RegionOne", 1_000_000, UNLIMITED)


def test_the_last_slot_can_be_taken_and_no_more() -> None:
    require_slot("acme", "RegionOne", 9, 10)

    with pytest.raises(LimitReached, match=r"^Maximum image limit reached"):
        require_slot("acme", "RegionOne", 10, 10)


def test_an_account_beyond_a_lowered_limit_gets_no_slot() -> None:
    with pytest.raises(LimitReached, match="holds 12 of 10"):
        require_slot("acme", "RegionOne", 12, 10)
