"""What keeps an image from being adopted ends by itself, whatever its owner holds on to."""

import pytest
import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.errors import CloudUnavailable
from instance_images.images.capture import capture
from instance_images.model.cloud import Claims
from instance_images.model.records import ImageStatus

from support.worlds.adoption_world import Cloud
from support.worlds.ledger_world import at


@pytest.fixture
def world(database: Database) -> Cloud:
    made = Cloud(database)
    made.set_rate()
    return made.adopt("private")


def test_leftover_that_its_owner_keeps_hides_no_image(world: Cloud) -> None:
    world.clock.now = at("1T10:00")
    world.cloud.loses_answers = True
    with pytest.raises(CloudUnavailable):
        capture(world.site, world.cloud.account("a"), "vm", "decoy")
    world.cloud.images.clear()
    assert world.sync("1T10:05") == ["create failed decoy"]
    [decoy] = world.held()
    assert decoy.status is ImageStatus.ERROR
    world.put("1T10:05", name="unmarked")  # beside a mark, a capture brings no image
    world.put("1T10:05", name="marked", claims=Claims(request_id=decoy.id))

    assert world.sync("1T10:06") == ["adopted unmarked"]
    with world.database.writing() as connection:  # a part that cannot be removed
        connection.execute(sa.text("UPDATE tasks SET has_leftovers = true"))
    world.put("1T10:30", name="later", claims=Claims(request_id=decoy.id))

    assert sorted(world.sync("1T11:00")) == ["adopted later", "adopted marked"]
