"""What an owner writes into the mark of his image keeps no hour of anybody open."""

from instance_images.db.engine import Database
from instance_images.model.cloud import Claims

from support.worlds.adoption_world import Cloud
from support.worlds.ledger_world import at


def test_mark_that_no_database_can_store_keeps_no_hour_open(database: Database) -> None:
    world = Cloud(database).adopt("private")
    world.set_rate()
    world.put("1T00:10", "b")
    world.run("1T00:20")
    for mark in ("a\0b", "\ud800"):  # PostgreSQL refuses the one, every driver the other
        world.put("1T00:30", "a", claims=Claims(request_id=mark))

    done = world.run("1T02:00")

    assert (done.closed_until, list(done.problems)) == (at("1T02:00"), [])
    assert world.seconds("b") == {"1T00:00": 2400, "1T01:00": 3600}
    assert world.seconds("a") == {"1T00:00": 3600, "1T01:00": 7200}
