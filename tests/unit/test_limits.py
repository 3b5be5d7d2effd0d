"""The most specific limit on record applies, and nobody gets past it."""

import pytest

from instance_images.errors import LimitReached
from instance_images.limits import applicable_limit, require_slot


@pytest.mark.parametrize(
    ("own", "location", "applies"),
    [
        (3, 5, (3, "account")),
        (0, 5, (0, "account")),
        (None, 5, (5, "location")),
        (None, 0, (0, "location")),
        (None, None, (10, "default")),
    ],
)
def test_the_most_specific_limit_applies(
    own: int | None, location: int | None, applies: tuple[int, str]
) -> None:
    assert applicable_limit(own, location, 10) == applies


def test_the_last_slot_can_be_taken_and_no_more() -> None:
    require_slot("acme", "RegionOne", 9, 10)

    with pytest.raises(LimitReached, match=r"^Maximum image limit reached"):
        require_slot("acme", "RegionOne", 10, 10)


def test_an_account_beyond_a_lowered_limit_gets_no_slot() -> None:
    with pytest.raises(LimitReached, match="holds 12 of 10"):
        require_slot("acme", "RegionOne", 12, 10)
