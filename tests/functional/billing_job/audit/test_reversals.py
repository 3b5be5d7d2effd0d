"""Every decision by hand can be reversed by entries that are linked to it, on every database.

An hour of a GB costs one EUR in these ledgers, so that amounts can be read as hours.
"""

import pytest
import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.errors import NotFound, Refused
from instance_images_billing.audit.adjust import Decision, decide, is_far
from instance_images_billing.audit.reverse import reverse
from instance_images_billing.audit.verify import verify_location
from instance_images_billing.pricing.corrections import Adjustment

from support.worlds.ledger_world import LOCATION, World, at

EUR = 10**9


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.set_rate()
    return world


def adjust(
    world: World, image: str, hours: tuple[str, str], wanted: int | None = None
) -> list[Adjustment]:
    decision = Decision(
        image_id=image,
        start=at(hours[0]),
        end=at(hours[1]),
        wanted_nanos=wanted,
        reason="an outage",
        author="op",
    )
    with world.database.writing() as connection:
        return decide(connection, [LOCATION.name], decision, world.billing.timezone, world.clock())


def take_back(world: World, entry: int | None, reason: str = "a mistake") -> list[Adjustment]:
    assert entry is not None
    with world.database.writing() as connection:
        return reverse(
            connection=connection,
            locations=[LOCATION.name],
            entry=entry,
            reason=reason,
            author="op",
            now=world.clock(),
        )


def verified(world: World) -> list[str]:
    with world.database.reading() as connection:
        return verify_location(connection, LOCATION.name, world.billing.timezone)


def charged(world: World) -> int:
    return sum(p.amount_nanos for p in world.postings()) + sum(
        one.amount_nanos for one in world.adjustments()
    )


def test_an_amount_is_taken_back_after_the_image_proved_to_be_gone_before(world: World) -> None:
    # Three hours cost 3 EUR; 1000 EUR are decided: +997. The image was gone before these hours:
    # the postings are given back, -3. What is left, 997, is taken back: 0.
    image = world.capture("2T12:00")
    world.run("2T12:00", until="2T15:00")
    decided = adjust(world, image, ("2T12:00", "2T15:00"), 1000 * EUR)
    world.delete("2T12:00", image)
    world.run("2T12:10", until="2T16:00")
    assert charged(world) == 997 * EUR

    posted = take_back(world, decided[1].adjustment_key)

    assert sum(one.amount_nanos for one in posted) == -997 * EUR
    assert charged(world) == 0
    assert {one.reverses for one in posted} == {one.adjustment_key for one in decided}
    assert {one.counted_at for one in posted} == {at("2T16:00")}
    world.run("2T18:05")
    assert verified(world) == []


def test_a_decision_of_a_closed_month_is_reversed_in_the_open_one(world: World) -> None:
    image = world.capture("30T22:00")
    world.run("30T23:05")
    decided = adjust(world, image, ("30T22:00", "30T23:00"))
    world.run(at("30T23:00").replace(month=12, day=2, hour=1))

    posted = take_back(world, decided[0].adjustment_key)

    assert [one.amount_nanos for one in posted] == [EUR]
    assert posted[0].counted_at == at("2T01:00").replace(month=12)
    assert posted[0].corrects_at == at("30T22:00")


def test_a_decision_is_reversed_once(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T15:05")
    decided = adjust(world, image, ("2T12:00", "2T14:00"))
    posted = take_back(world, decided[0].adjustment_key)

    for entry in (decided[0].adjustment_key, decided[1].adjustment_key):
        with pytest.raises(Refused, match="already fully reversed"):
            take_back(world, entry)
    with pytest.raises(Refused, match="cannot be reversed"):
        take_back(world, posted[0].adjustment_key)
    with pytest.raises(NotFound):
        take_back(world, 999)

    assert charged(world) == 3 * EUR
    # It can be decided again, and reversed again.
    again = adjust(world, image, ("2T12:00", "2T14:00"))
    take_back(world, again[0].adjustment_key, "once more")
    assert charged(world) == 3 * EUR


def test_what_follows_from_the_history_is_not_reversed_by_hand(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T12:05", until="2T15:00")
    world.delete("2T13:00", image)
    world.run("2T13:10")
    (late, _) = world.adjustments()

    with pytest.raises(Refused, match="is an automatic correction"):
        take_back(world, late.adjustment_key)


def test_a_waiver_whose_charge_is_gone_is_not_charged_by_its_reversal(world: World) -> None:
    # Two hours are waived: -2. The second one is corrected: -1, and its waiver ends: +1. What is
    # left to reverse is the first hour's waiver: +1. The image is charged for its one hour.
    image = world.capture("2T12:00")
    world.run("2T12:05", until="2T14:00")
    decided = adjust(world, image, ("2T12:00", "2T14:00"))
    world.delete("2T13:00", image)
    world.run("2T13:10")
    assert charged(world) == 0

    posted = take_back(world, decided[0].adjustment_key)

    assert [one.amount_nanos for one in posted] == [EUR]
    assert charged(world) == EUR
    world.run("2T15:05")
    assert verified(world) == []


def test_a_waiver_that_an_earlier_version_ended_without_a_link_is_not_reversed(
    world: World,
) -> None:
    # Two hours are waived, -2; the second one is corrected, -1, and its waiver ends, +1. To take
    # both waivers back would charge the second hour, in which the image was not stored.
    image = world.capture("2T12:00")
    world.run("2T12:05", until="2T14:00")
    decided = adjust(world, image, ("2T12:00", "2T14:00"))
    world.delete("2T13:00", image)
    world.run("2T13:10")
    with world.database.writing() as connection:
        connection.execute(sa.text("UPDATE adjustments SET reverses = NULL"))
    before = world.adjustments()

    with pytest.raises(Refused, match="does not say which one"):
        take_back(world, decided[0].adjustment_key)
    with pytest.raises(Refused, match="cannot be reversed"):
        take_back(world, before[-1].adjustment_key)

    assert world.adjustments() == before
    # Another amount is decided instead: the hour in which it was stored costs its 1 EUR again.
    adjust(world, image, ("2T12:00", "2T13:00"), EUR)
    assert charged(world) == EUR
    world.run("2T15:05")
    assert verified(world) == []


def test_a_reversal_that_would_charge_less_than_nothing_is_refused(world: World) -> None:
    # 1 EUR is charged, 5 are decided: +4. Then all of it is waived: -5. Without the 4 it is -4.
    image = world.capture("2T12:00")
    world.run("2T13:05")
    more = adjust(world, image, ("2T12:00", "2T13:00"), 5 * EUR)
    world.clock.now = at("2T13:10")
    waived = adjust(world, image, ("2T12:00", "2T13:00"))
    assert charged(world) == 0

    with pytest.raises(Refused, match="would have a negative charge"):
        take_back(world, more[0].adjustment_key)

    take_back(world, waived[0].adjustment_key)
    take_back(world, more[0].adjustment_key)
    assert charged(world) == EUR


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE adjustments SET reverses = NULL WHERE reverses IS NOT NULL", "its postings"),
        (
            "UPDATE adjustments SET reverses = 999 WHERE reverses IS NOT NULL",
            "reverses no decision",
        ),
        (
            "UPDATE adjustments SET amount_nanos = 2 * amount_nanos WHERE reverses IS NOT NULL",
            "takes back more of entry",
        ),
    ],
)
def test_a_link_that_was_changed_is_found(world: World, statement: str, named: str) -> None:
    image = world.capture("2T12:00")
    world.run("2T13:05")
    take_back(world, adjust(world, image, ("2T12:00", "2T13:00"))[0].adjustment_key)
    world.run("2T15:05")
    assert verified(world) == []
    with world.database.writing() as connection:
        connection.execute(sa.text(statement))

    assert any(named in finding for finding in verified(world))


def test_the_report_shows_the_link(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T13:05")
    decided = adjust(world, image, ("2T12:00", "2T13:00"))
    take_back(world, decided[0].adjustment_key)

    (first, second) = world.statement().sections[0].adjustments

    assert (first.entry, first.reverses) == (decided[0].adjustment_key, None)
    assert second.reverses == decided[0].adjustment_key
    assert second.reason == f"reverses entry {second.reverses}: a mistake"
    assert (str(first.amount), str(second.amount)) == ("-1.00", "1.00")


def test_an_amount_is_far_beyond_ten_times_and_below_a_tenth_of_the_charge() -> None:
    assert not is_far(10 * EUR, EUR)
    assert is_far(10 * EUR + 1, EUR)
    assert not is_far(EUR, 10 * EUR)
    assert is_far(EUR - 1, 10 * EUR)
    assert is_far(1, 0)
