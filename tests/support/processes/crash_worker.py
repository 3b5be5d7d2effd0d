"""A process that meters a location hour by hour until it is killed; see test_crashes.py.

The cloud is in memory and filled from the ledger: it holds what is on record as available, and it
goes on changing in a way that the seed in the database's own state decides alone.
"""

import os
import signal
import traceback
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from instance_images.db.accounts import lock_account
from instance_images.db.billing_queue import tell
from instance_images.db.engine import Database
from instance_images.db.tables import images
from instance_images.errors import InstanceImagesError
from instance_images.model.image_events import Event, Learning, Source
from instance_images.model.records import Account
from instance_images_billing.hours.close import meter

from support.processes.crash_story import ACCOUNTS, HOURS, LATE_BY, SIZE, START, CrashScenario
from support.worlds.ledger_world import LOCATION, World

PATIENCE_SECONDS = 120


def tell_of(world: World, story: CrashScenario, hour: int) -> None:
    """Record what the story has for the hour, in one transaction, once."""
    for number, image in enumerate(story.images):
        if image.told_begin == hour:
            _begin(world, number, story)
        if image.told_end == hour:
            _end(world, number, story)


def _begin(world: World, number: int, story: CrashScenario) -> None:
    image = story.images[number]
    begins = START + timedelta(seconds=image.begins)
    account = ACCOUNTS[number % len(ACCOUNTS)]

    def work(connection: sa.Connection) -> None:
        # Of two workers one tells of the image, and the other sees it.
        key = lock_account(connection, LOCATION.name, Account(account, account)).account_key
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

    world.database.write(work)


def _end(world: World, number: int, story: CrashScenario) -> None:
    image = story.images[number]
    ends = START + timedelta(seconds=image.ends)

    def work(connection: sa.Connection) -> None:
        changed = connection.execute(
            sa.update(images)
            .where(images.c.image_id == image.id, images.c.deleted_at.is_(None))
            .values(deleted_at=ends)
        )
        if changed.rowcount:
            tell(connection, image.id, Event.DELETED, ends, Learning(ends, Source.COMMAND))

    world.database.write(work)


def meter_all(url: str, say: Callable[[bytes], object]) -> None:
    """Meter hour by hour, from wherever the ledger is, and say when all is done."""
    world = World(Database(url))
    story = CrashScenario()
    watermark = world.watermark() or START
    first = max(0, int((watermark - START).total_seconds()) // 3600 - LATE_BY)
    say(b"begun\n")
    for hour in range(first, HOURS + 1):
        tell_of(world, story, hour)
        world.clock.now = START + timedelta(hours=hour, minutes=5)
        meter(world.site, world.billing, START + timedelta(hours=hour))
    say(b"done\n")


class Worker:
    """The process: a fork of this one, for to start another Python takes longer than to meter."""

    def __init__(self, url: str) -> None:
        """Start it, and return when it is about to begin."""
        reading, writing = os.pipe()
        self._process_id = os.fork()
        if self._process_id == 0:
            os.close(reading)
            signal.alarm(PATIENCE_SECONDS)  # it ends with that, if it never ends by itself
            code = 1
            try:
                meter_all(url, lambda words: os.write(writing, words))
                code = 0
            except InstanceImagesError as error:
                os.write(writing, f"{type(error).__name__}\n".encode())
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        os.close(writing)
        self._said = os.fdopen(reading, "rb")
        assert self._said.readline() == b"begun\n"

    def kill(self) -> bool:
        """Kill it at once; return whether it was still at work."""
        os.kill(self._process_id, signal.SIGKILL)  # until it is waited for, the id is its own
        return self._wait() == signal.SIGKILL

    def finish(self) -> None:
        """Wait until it has done all."""
        assert self._said.readline() == b"done\n"
        assert self._wait() == 0

    def ended(self) -> str:
        """Wait until it has ended; return what it said last, or which error of ours ended it."""
        said = self._said.readline().decode().strip()
        self._wait()
        return said

    def _wait(self) -> int:
        _, status = os.waitpid(self._process_id, 0)
        self._said.close()
        return status
