"""What becomes known after its hour was closed is posted as adjustments, on every database.

An hour of a GB costs one EUR in these ledgers, so that amounts can be read as hours.
"""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from instance_images.db.billing_queue import tell
from instance_images.db.engine import Database
from instance_images.db.tables import images, news
from instance_images.model.image_events import Event, Learning, Source
from instance_images_billing.ledger.tables import history

from support.worlds.ledger_world import GB, World, at

EUR = 10**9


@pytest.fixture
def world(database: Database) -> World:
    world = World(database)
    world.set_rate()
    return world


def corrected(world: World, account: str | None = None) -> dict[str, int]:
    """Return the nanos of all adjustments by the slice that they correct, as ``2T12:00``."""
    found: dict[str, int] = {}
    for one in world.adjustments(account):
        name = f"{one.corrects_at.day}T{one.corrects_at:%H:%M}"
        found[name] = found.get(name, 0) + one.amount_nanos
    return found


def test_a_deletion_learned_late_gives_back_the_hours_after_it(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T12:05", until="2T15:00")  # closed ahead of time
    world.delete("2T13:30", image)

    done = world.run("2T13:40")

    assert done.hours == 0
    assert done.adjustments == world.adjustments()
    assert corrected(world) == {"2T13:00": -EUR // 2, "2T14:00": -EUR}
    (first, _) = world.adjustments()
    assert (first.image_id, first.counted_at) == (image, at("2T15:00"))
    assert first.byte_seconds == -1800 * GB
    assert "deleted at 2026-11-02T13:30:00Z" in first.reason
    assert first.author == "command"


def test_an_activation_learned_late_is_charged_from_its_beginning(world: World) -> None:
    world.run("2T11:00")
    world.capture("2T11:00", "first")
    world.run("2T12:05", until="2T15:00")
    world.capture("2T13:15", "second")

    world.run("2T15:30", until="2T16:00")

    assert corrected(world) == {"2T13:00": EUR * 3 // 4, "2T14:00": EUR}
    assert world.seconds()["2T15:00"] == 7200


def test_an_image_that_lived_and_died_in_closed_hours_is_charged_once(world: World) -> None:
    world.capture("2T11:00", "first", account="b")
    world.run("2T12:05", until="2T15:00")
    image = world.capture("2T13:15")
    world.delete("2T13:30", image)

    world.run("2T13:40")
    world.run("2T13:50")

    assert world.seconds("a") == {}
    assert corrected(world, "a") == {"2T13:00": EUR // 4}


def test_closed_hours_stay_as_they_were_posted(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T12:05", until="2T15:00")
    before = world.postings()
    world.delete("2T13:30", image)

    world.run("2T16:05")

    assert world.postings() == before


def test_a_second_run_posts_no_adjustment_again(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T12:05", until="2T15:00")
    world.delete("2T13:30", image)
    world.run("2T13:40")
    before = world.adjustments()

    again = world.run("2T16:05")

    assert again.adjustments == []
    assert world.adjustments() == before


def test_what_was_corrected_once_is_corrected_again_from_there(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T12:05", until="2T15:00")
    world.delete("2T13:30", image)
    world.run("2T13:40")
    for instant in ("2T13:00", "2T14:00"):
        with world.database.writing() as connection:
            learning = Learning(at("2T14:10"), Source.HAND)
            tell(connection, image, Event.DELETED, at(instant), learning)
        world.run("2T14:10")

    # it was there for two hours after all, of three that were posted
    assert corrected(world) == {"2T13:00": 0, "2T14:00": -EUR}


def test_the_statement_shows_the_correction_and_adds_up(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T12:05", until="2T15:00")
    world.delete("2T13:30", image)
    world.run("2T13:40", until="2T16:00")

    statement = world.statement()

    (line,) = statement.sections[0].lines
    (adjustment,) = statement.sections[0].adjustments
    assert (str(line.amount), str(adjustment.amount), str(statement.total)) == (
        "3.00",
        "-1.50",
        "1.50",
    )
    assert (adjustment.image_id, adjustment.hour, adjustment.until) == (
        image,
        at("2T13:00"),
        at("2T15:00"),
    )


def test_an_image_that_changes_size_is_charged_by_each_for_its_time(world: World) -> None:
    world.capture("2T12:00")
    world.run("2T12:05")
    (cloud_image,) = world.cloud.images.values()
    world.cloud.images[cloud_image.id] = replace(
        cloud_image, size_bytes=3 * GB, changed_at=at("2T12:30")
    )

    world.run("2T14:05")

    assert world.seconds() == {"2T12:00": 1800 + 3 * 1800, "2T13:00": 3 * 3600}


def test_an_image_that_changes_its_owner_is_charged_to_each_for_its_time(world: World) -> None:
    image = world.capture("2T12:00")
    world.run("2T12:05")
    (cloud_image,) = world.cloud.images.values()
    world.cloud.images[cloud_image.id] = replace(
        cloud_image, owner_id="b", changed_at=at("2T12:45")
    )
    world.run("2T14:05")
    world.delete("2T14:30", image, account="b")

    world.run("2T15:05")

    assert world.seconds("a") == {"2T12:00": 2700}
    assert world.seconds("b") == {"2T12:00": 900, "2T13:00": 3600, "2T14:00": 1800}


def test_an_hour_in_which_an_image_was_split_is_not_rounded_up_twice(database: Database) -> None:
    world = World(database).with_terms(partial_hour="round_up")
    world.set_rate()
    world.capture("2T12:10")
    world.run("2T12:15")
    (cloud_image,) = world.cloud.images.values()
    world.cloud.images[cloud_image.id] = replace(
        cloud_image, owner_id="b", changed_at=at("2T12:30")
    )

    world.run("2T13:05")

    assert world.seconds("a") == {"2T12:00": 1800}
    assert world.seconds("b") == {"2T12:00": 1800}


def test_a_change_of_owner_learned_late_moves_the_closed_hours(world: World) -> None:
    world.capture("2T12:00")
    world.run("2T12:05", until="2T15:00")
    (cloud_image,) = world.cloud.images.values()
    world.cloud.images[cloud_image.id] = replace(
        cloud_image, owner_id="b", changed_at=at("2T13:30")
    )

    world.run("2T13:40", until="2T16:00")

    assert corrected(world, "a") == {"2T13:00": -EUR // 2, "2T14:00": -EUR}
    assert corrected(world, "b") == {"2T13:00": EUR // 2, "2T14:00": EUR}
    assert world.seconds("b") == {"2T15:00": 3600}


def test_nothing_is_told_of_an_image_twice(world: World) -> None:
    image = world.capture("2T12:00")
    world.delete("2T12:30", image)

    world.run("2T13:05")

    with world.database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(news)).scalar_one() == 0
        told = connection.execute(
            sa.select(history.c.event, history.c.source).order_by(history.c.history_key)
        ).all()
        assert connection.execute(sa.select(images.c.deleted_at)).scalar_one() == at("2T12:30")
    assert [tuple(row) for row in told] == [("available", "command"), ("deleted", "command")]
