"""A process that meters a location hour by hour until it is killed; see test_crashes.py.

Arguments: the database's URL, and the hour after START that it is to reach. The cloud is in
memory and filled from the ledger: it holds what is on record as available, and it goes on
changing in a way that the seed in the database's own state decides alone.
"""

import sys
from datetime import timedelta

import sqlalchemy as sa

from crash_story import ACCOUNTS, HOURS, LATE_BY, SIZE, START, Story
from instance_images.database import Database
from instance_images.news import Event, Learning, Source, tell
from instance_images.tables import accounts, images
from instance_images_billing.metering import meter
from ledger_world import LOCATION, World


def tell_of(world: World, story: Story, hour: int) -> None:
    """Record what the story has for the hour, in one transaction, once."""
    for number, image in enumerate(story.images):
        if image.told_begin == hour:
            _begin(world, number, story)
        if image.told_end == hour:
            _end(world, number, story)


def _begin(world: World, number: int, story: Story) -> None:
    image = story.images[number]
    begins = START + timedelta(seconds=image.begins)
    with world.database.writing() as connection:
        key = connection.execute(
            sa.select(accounts.c.account_key)
            .where(accounts.c.account_id == ACCOUNTS[number % len(ACCOUNTS)])
            .with_for_update()  # of two workers one tells of the image, and the other sees it
        ).scalar_one()
        known = sa.select(images.c.image_id).where(images.c.image_id == image.id)
        if connection.execute(known).first():
            return
        connection.execute(
            sa.insert(images).values(
                image_id=image.id,
                account_key=key,
                name=image.id,
                source_instance_id="vm",
                source_instance_name="vm",
                size_bytes=SIZE + number,
                status="error",  # the cloud in memory need not hold it
                consistency="crash",
                created_at=begins,
                available_at=begins,
                task_id="none",
            )
        )
        tell(connection, image.id, Event.AVAILABLE, begins, Learning(begins, Source.COMMAND))


def _end(world: World, number: int, story: Story) -> None:
    image = story.images[number]
    ends = START + timedelta(seconds=image.ends)
    with world.database.writing() as connection:
        changed = connection.execute(
            sa.update(images)
            .where(images.c.image_id == image.id, images.c.deleted_at.is_(None))
            .values(deleted_at=ends)
        )
        if changed.rowcount:
            tell(connection, image.id, Event.DELETED, ends, Learning(ends, Source.COMMAND))


def main() -> None:
    """Meter hour by hour, from wherever the ledger is, and say when all is done."""
    world = World(Database(sys.argv[1]))
    story = Story()
    watermark = world.watermark() or START
    first = max(0, int((watermark - START).total_seconds()) // 3600 - LATE_BY)
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    for hour in range(first, HOURS + 1):
        tell_of(world, story, hour)
        world.clock.now = START + timedelta(hours=hour, minutes=5)
        meter(world.site, world.billing, START + timedelta(hours=hour))
    sys.stdout.write(f"done {LOCATION.name}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
