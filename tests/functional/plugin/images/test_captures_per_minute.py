"""No account begins more captures in a minute than the front end allows, on every database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from instance_images.db import tasks
from instance_images.db.engine import Database
from instance_images.errors import TooManyRequests
from instance_images.images.capture import capture
from instance_images.locations.site import Site
from instance_images.model.records import Task
from instance_images.model.requests.caller import Caller

from support.worlds.ledger_world import LOCATION, World, at

MOST, ASKED = 5, 20


class Shop(World):
    """A world whose accounts may begin 5 captures in a minute, and hold any number."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.clock.now = at("1T10:00")
        site = Site(
            location=LOCATION,
            provider=self.cloud,
            database=database,
            clock=self.clock,
            default_max_images=-1,
        )
        caller = Caller(
            account_id="a", project_id="a", user_id="u", roles=("member",), token="secret"
        )
        self.site = replace(site.for_caller(caller), creates_per_minute=MOST)

    def ask(self, number: int, account: str = "a") -> int | None:
        """Ask for a capture; return after how many seconds to try again, None where it began."""
        try:
            capture(self.site, self.cloud.account(account), f"vm-{account}-{number}", "golden")
        except TooManyRequests as error:
            return error.retry_after_seconds
        return None

    def recorded(self) -> list[Task]:
        """Return the account's tasks."""
        with self.database.reading() as connection:
            return tasks.list_tasks(connection, LOCATION.name, "a")


def test_captures_beyond_those_of_a_minute_are_refused_however_many_come_at_once(
    database: Database,
) -> None:
    shop = Shop(database)

    with ThreadPoolExecutor(ASKED) as pool:
        told = list(pool.map(shop.ask, range(ASKED)))

    assert sorted(map(str, told)) == sorted(["None"] * MOST + ["60"] * (ASKED - MOST))
    assert len(shop.recorded()) == MOST
    assert {task.user_id for task in shop.recorded()} == {"u"}
    shop.site = replace(shop.site, caller=None)
    assert shop.ask(0, account="b") is None  # others have their own
    shop.clock.now += timedelta(seconds=59)
    assert shop.ask(ASKED) == 1
    shop.clock.now += timedelta(seconds=1)
    assert shop.ask(ASKED) is None
    assert shop.recorded()[-1].user_id is None
