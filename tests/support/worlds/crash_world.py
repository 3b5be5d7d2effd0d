"""The ledger of the crash tests: ready, worked at by processes that are killed, and checked."""

import time
from datetime import timedelta
from random import Random

import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.db.tables import accounts
from instance_images_billing.audit.verify import verify_location

from support.processes.crash_story import ACCOUNTS, HOURS, SIZE, START, CrashScenario
from support.processes.crash_worker import Worker
from support.worlds.ledger_oracle import ImageLife, Terms, expected
from support.worlds.ledger_world import LOCATION, World

PRICE = 730 * 10**9


def ready(database: Database) -> World:
    """Return a world with its accounts and a rate."""
    world = World(database)
    world.clock.now = START
    world.set_rate(PRICE, START)
    with database.writing() as connection:
        for name in ACCOUNTS:
            connection.execute(
                sa.insert(accounts).values(
                    location=LOCATION.name, account_id=name, account_name=name
                )
            )
    return world


def check(world: World) -> None:
    """Compare the whole ledger with the oracle, and verify it."""
    lives = [
        ImageLife(image.begins, {image.begins: (ACCOUNTS[n % len(ACCOUNTS)], SIZE + n)}, image.ends)
        for n, image in enumerate(CrashScenario().images)
    ]
    terms = Terms("UTC", "prorate", "730", 0, [(0, PRICE)])
    wanted = expected(lives, terms, START, HOURS * 3600)
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for account in ACCOUNTS:
        rows = [(p.starts_at, p.byte_seconds, p.amount_nanos) for p in world.postings(account)]
        rows += [
            (one.corrects_at, one.byte_seconds, one.amount_nanos)
            for one in world.adjustments(account)
        ]
        for instant, byte_seconds, nanos in rows:
            place = (account, int((instant - START).total_seconds()))
            before = found.get(place, (0, 0))
            found[place] = (before[0] + byte_seconds, before[1] + nanos)
    assert {place: sums for place, sums in found.items() if any(sums)} == wanted
    assert world.watermark() == START + timedelta(hours=HOURS)
    with world.database.reading() as connection:
        assert verify_location(connection, LOCATION.name, world.billing.timezone) == []


def kill_and_repeat(url: str, kills: int, seed: int) -> int:
    """Start the worker and kill it, until it was killed that often or is done; count the kills."""
    random = Random(seed)
    for killed in range(kills):
        worker = Worker(url)
        time.sleep(random.uniform(0, 0.25))
        if not worker.kill():
            return killed
    return kills
