"""PostgreSQL behind PgBouncer in transaction mode: limits hold, hours are posted once.

Each transaction may get another session of the server, and no session is anybody's own.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import sqlalchemy as sa

from instance_images.db.accounts import count_held, find_account
from instance_images.db.engine import Database
from instance_images.db.schema import downgrade, schema_differences, upgrade
from instance_images.images.pages import page_of_images
from instance_images.model.requests.paging import Page
from instance_images_billing.audit.verify import verify_location

from support.processes.crash_worker import Worker
from support.processes.together import together
from support.servers.database_servers import new_database
from support.servers.pgbouncer import pgbouncer
from support.worlds.crash_world import check, kill_and_repeat, ready
from support.worlds.ledger_world import LOCATION, World, reserve

pytestmark = pytest.mark.all

LIMIT = 5
AT_ONCE = 12
READS = 20
REFUSED = 3


@pytest.fixture(scope="module")
def bouncer(postgresql_server: sa.URL) -> Iterator[sa.URL]:
    with pgbouncer(postgresql_server) as url:
        yield url


@pytest.fixture
def url(postgresql_server: sa.URL, bouncer: sa.URL) -> Iterator[str]:
    """The URL through PgBouncer of a database with its tables."""
    with new_database(postgresql_server) as direct:
        through = bouncer.set(database=sa.make_url(direct).database)
        made = Database(through.render_as_string(hide_password=False))
        upgrade(made)
        made.engine.dispose()
        yield through.render_as_string(hide_password=False)


def test_tables_are_made_changed_and_compared(url: str) -> None:
    database = Database(url)

    downgrade(database, "base")
    upgrade(database)

    assert schema_differences(database) == []


def test_captures_at_once_never_exceed_the_limit(url: str) -> None:
    def reserve_one(number: int) -> None:
        reserve(World(Database(url)), "account", f"image-{number}", LIMIT)

    codes = together([partial(reserve_one, number) for number in range(AT_ONCE)])

    assert (codes.count(0), codes.count(REFUSED)) == (LIMIT, AT_ONCE - LIMIT)
    with Database(url).reading() as connection:
        row = find_account(connection, LOCATION.name, "account")
        assert row is not None
        assert count_held(connection, row.account_key) == LIMIT


def test_requests_at_once_prepare_nothing_because_sessions_change(url: str) -> None:
    world = World(Database(url))
    world.capture("1T10:00", account="a")
    serving = Database(url, answer_seconds=20)

    def read(_number: int) -> list[str]:
        pages = [page_of_images(serving, [LOCATION.name], "a", Page()) for _ in range(READS)]
        return [json.loads(image)["status"] for page in pages for image in page.items]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = list(threads.map(read, range(AT_ONCE)))

    assert found == [["available"] * READS] * AT_ONCE
    with serving.looking() as connection:
        query = "SELECT count(*) FROM pg_prepared_statements"
        assert connection.exec_driver_sql(query).scalar_one() == 0
    serving.engine.dispose()


def test_meters_at_once_of_which_one_is_killed_again_and_again_post_every_hour_once(
    url: str,
) -> None:
    world = ready(Database(url))
    beside = [Worker(url), Worker(url)]

    killed = kill_and_repeat(url, 6, seed=4)
    for worker in beside:
        worker.finish()
    Worker(url).finish()

    assert killed >= 3
    check(world)


def test_snapshot_and_rehearsal_are_transactions_of_their_own(url: str) -> None:
    world = World(Database(url))
    world.set_rate()
    world.capture("2T11:30")

    with world.database.snapshot() as connection:
        before = verify_location(connection, LOCATION.name, world.billing.timezone)
        world.run("2T13:05")
        assert connection.execute(sa.text("SELECT count(*) FROM postings")).scalar_one() == 0
    with world.database.rehearsing() as connection:
        connection.execute(sa.text("DELETE FROM postings"))

    assert before == []
    assert world.seconds() == {"2T11:00": 1800, "2T12:00": 3600}
