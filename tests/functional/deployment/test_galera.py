"""A Galera cluster whose three nodes are written to at once: limits hold, hours are posted once.

Nodes know nothing of each other's row locks. What two of them wrote is compared at the commit.
"""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db.accounts import count_held, find_account, lock_account
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.errors import LimitReached
from instance_images.model.records import Account
from instance_images_billing.audit.verify import verify_location

from support.clouds import installed_memory_cloud
from support.processes.crash_worker import Worker
from support.processes.together import together
from support.servers.galera import Cluster
from support.worlds.api_at_once import create_at_once, require_ten
from support.worlds.crash_world import check, kill_and_repeat, ready
from support.worlds.ledger_world import LOCATION, World, reserve

pytestmark = pytest.mark.all

LIMIT = 5
AT_ONCE = 12
ROUNDS = 3
TRIES = 5
PATIENCE_SECONDS = 60
REFUSED = 3


@dataclass(frozen=True)
class Ledger:
    """A database with its tables, as each of the cluster's nodes offers it."""

    cluster: Cluster
    urls: list[str]

    def world(self, node: int) -> World:
        """Return a world on one of the nodes."""
        return World(Database(self.urls[node]))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.running(tmp_path_factory.mktemp("galera")) as running:
        yield running


@pytest.fixture
def ledger(cluster: Cluster) -> Iterator[Ledger]:
    with cluster.new_database(f"t_{uuid.uuid4().hex}") as urls:
        made = Database(urls[0])
        upgrade(made)
        made.engine.dispose()
        yield Ledger(cluster, urls)


def held(world: World, account: str) -> int:
    """Return how many images the account holds."""
    with world.database.reading() as connection:
        row = find_account(connection, LOCATION.name, account)
        assert row is not None
        return count_held(connection, row.account_key)


def before_commit(world: World, number: int, work: Callable[[], object]) -> None:
    """Do the work when the world is about to commit what it writes, that many transactions on."""
    commits = itertools.count(1)

    def committing(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes") and next(commits) == number:
            work()

    sa.event.listen(world.database.engine, "commit", committing)


def test_last_slot_that_two_nodes_give_away_at_once_is_taken_once(ledger: Ledger) -> None:
    has_held, errors = [], []
    for number in range(TRIES):
        account = f"account-{number}"
        for name in ("first", "second", "third", "fourth"):
            reserve(ledger.world(2), account, name, LIMIT)
        rivals = [ledger.world(0), ledger.world(1)]
        both_will_commit = threading.Barrier(2, timeout=PATIENCE_SECONDS)
        for rival in rivals:
            before_commit(rival, 1, both_will_commit.wait)

        with ThreadPoolExecutor(2) as at_once:
            taking = [at_once.submit(reserve, rival, account, "fifth", LIMIT) for rival in rivals]
            refused = [type(one.exception(PATIENCE_SECONDS)) for one in taking]
        errors.append(set(refused))
        has_held.append(held(ledger.world(2), account))

    assert has_held == [LIMIT] * TRIES
    assert errors == [{LimitReached, type(None)}] * TRIES


def test_captures_at_three_nodes_at_once_never_exceed_the_limit(ledger: Ledger) -> None:
    outcomes, has_held = [], []
    for number in range(ROUNDS):
        account = f"account-{number}"
        if number % 2:  # of the others the row is made by whoever comes first
            ledger.world(0).database.write(
                partial(lock_account, location=LOCATION.name, account=Account(account, account))
            )
        codes = together(
            [
                lambda n=n, a=account: reserve(ledger.world(n % 3), a, f"image-{n}", LIMIT)  # type: ignore[misc]
                for n in range(AT_ONCE)
            ]
        )
        outcomes.append((codes.count(0), codes.count(REFUSED)))
        has_held.append(held(ledger.world(number % 3), account))

    assert has_held == [LIMIT] * ROUNDS
    assert outcomes == [(LIMIT, AT_ONCE - LIMIT)] * ROUNDS


def test_creates_of_the_api_at_three_nodes_at_once_get_the_ten_slots(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed_memory_cloud.install(tmp_path / "site")))

    require_ten(create_at_once(ledger.urls, tmp_path, key=None))


def test_hour_that_one_node_closes_has_what_another_has_learned_meanwhile(ledger: Ledger) -> None:
    closing, learning, elsewhere = (ledger.world(node) for node in range(3))
    closing.set_rate()
    closing.capture("2T11:30")
    closing.run("2T12:05")
    before_commit(closing, 1, lambda: elsewhere.capture("2T12:30"))  # after the reading
    before_commit(closing, 2, lambda: learning.run("2T13:05", "2T12:00"))  # closes nothing

    closing.run("2T13:05")

    assert closing.seconds() == {"2T11:00": 1800, "2T12:00": 3600 + 1800}
    assert closing.adjustments() == []
    with learning.database.reading() as connection:
        assert verify_location(connection, LOCATION.name, learning.billing.timezone) == []


def test_meters_at_three_nodes_at_once_post_every_hour_once(ledger: Ledger) -> None:
    world = ready(Database(ledger.urls[0]))

    for worker in [Worker(url) for url in ledger.urls]:
        worker.finish()

    check(world)


def test_meters_at_two_nodes_of_which_one_is_killed_again_and_again(ledger: Ledger) -> None:
    world = ready(Database(ledger.urls[0]))
    beside = Worker(ledger.urls[1])

    killed = kill_and_repeat(ledger.urls[0], 6, seed=3)
    beside.finish()
    Worker(ledger.urls[2]).finish()

    assert killed >= 3
    check(world)


def test_node_that_is_killed_stops_its_own_clients_and_loses_nothing(ledger: Ledger) -> None:
    world = ready(Database(ledger.urls[0]))
    workers = [Worker(url) for url in ledger.urls]
    time.sleep(0.3)

    ledger.cluster.nodes[2].kill()
    stopped = workers[2].ended()
    for worker in workers[:2]:
        worker.finish()

    assert stopped == "DatabaseUnavailable"
    check(world)
    ledger.cluster.restore()
    again = ledger.world(2)
    assert again.postings() == world.postings()
    with again.database.reading() as connection:
        assert verify_location(connection, LOCATION.name, again.billing.timezone) == []
