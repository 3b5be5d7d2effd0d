"""A ledger is copied into a database of any kind: whole, as it was, and only while it rests."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db import copy_ledger, schema
from instance_images.db.engine import Database
from instance_images.db.runs import announced
from instance_images.errors import Refused
from instance_images_billing.audit.verify import verify_location

from support.processes.command_line import CommandLine, write_config
from support.processes.killing import was_killed
from support.servers.database_servers import new_database
from support.worlds.ledger_world import LOCATION, World, at

PASSWORD = "s3cr-et"


@contextmanager
def beside(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Database]:
    """Yield another database of that kind, without tables."""
    if kind == "sqlite":
        yield Database(f"sqlite:///{tmp_path / 'other.db'}")
        return
    with new_database(request.getfixturevalue(f"{kind}_server")) as url:
        made = Database(url)
        yield made
        made.engine.dispose()


def with_a_past(database: Database) -> World:
    """Return a world with rows in every table that is about images and money."""
    world = World(database)
    world.set_rate()
    ended = world.capture("2T11:30", "prod 🚀 gold")
    world.capture("2T11:40", "stored", account="b")
    world.run("2T13:05")
    world.delete("2T12:30", ended)  # known late: an adjustment
    world.run("2T14:05")
    world.capture("2T14:10", "not metered yet")
    return world


def every_row(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(sa.select(table))), key=repr
            )
            for table in schema.tables()
        }


@pytest.mark.parametrize(
    "kind", ["sqlite", "postgresql", pytest.param("mariadb", marks=pytest.mark.all)]
)
def test_ledger_is_copied_whole_and_goes_on_as_it_would_have(
    database: Database, request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    world = with_a_past(database)
    before = every_row(database)

    with beside(request, kind, tmp_path) as target:
        rows = copy_ledger.copy_ledger(database, target)

        assert every_row(target) == every_row(database) == before
        assert rows == {name: len(some) for name, some in before.items() if name != "active_runs"}
        moved = World(target)
        moved.cloud, moved.clock = world.cloud, world.clock
        moved.site = replace(world.site, database=target)
        for one in (moved, world):
            one.run("2T15:05")
        assert moved.postings() == world.postings()
        assert moved.adjustments() == world.adjustments() != []
        assert digests(moved) == digests(world)
        # The numbers go on behind those that the history has taken: nothing new is left out.
        assert newest_news(moved) > 0
        moved.capture("2T15:10", "new", account="c")
        moved.run("2T17:05")
        assert moved.seconds("c") == {"2T15:00": 3000, "2T16:00": 3600}
        with target.reading() as connection:
            assert verify_location(connection, LOCATION.name, world.billing.timezone) == []


def digests(world: World) -> list[object]:
    with world.database.reading() as connection:
        query = sa.text("SELECT hour, digest FROM closings ORDER BY hour")
        return [tuple(row) for row in connection.execute(query)]


def newest_news(world: World) -> int:
    with world.database.reading() as connection:
        return int(connection.execute(sa.text("SELECT max(news_key) FROM history")).scalar_one())


# -------------------------------------------------------------------------- refusals


@pytest.fixture
def target(tmp_path: Path) -> Database:
    """A file that does not exist."""
    return Database(f"sqlite:///{tmp_path / 'target.db'}")


def refuses(source: Database, target: Database, message: str) -> str:
    """Assert that the copy is refused; return the message."""
    with pytest.raises(Refused, match=message) as raised:
        copy_ledger.copy_ledger(source, target)
    assert str(raised.value).endswith("Nothing was copied.")
    return str(raised.value)


def is_empty(database: Database) -> bool:
    return not any(every_row(database).values())


def test_active_run_is_not_robbed_of_its_ledger(database: Database, target: Database) -> None:
    world = with_a_past(database)

    with announced(database, "meter run", world.clock):
        told = refuses(database, target, "A run is active")

    assert "'meter run' since 2026-11-02T14:10:00Z on host" in told
    assert f"process {os.getpid()}" in told
    assert is_empty(target)
    copy_ledger.copy_ledger(database, target)


def test_run_that_was_killed_here_is_known_as_dead_and_one_elsewhere_is_not(
    database: Database, target: Database
) -> None:
    world = with_a_past(database)
    database.engine.dispose()

    def die() -> None:
        with announced(Database(database.url.render_as_string(False)), "meter run", world.clock):
            os.kill(os.getpid(), signal.SIGKILL)

    assert was_killed(die)
    with database.writing() as connection:
        rows = connection.execute(sa.text("SELECT count(*) FROM active_runs")).scalar_one()
        connection.execute(
            sa.text(
                "INSERT INTO active_runs SELECT 'other', command, 'elsewhere', process_id,"
                " started_at FROM active_runs"
            )
        )

    assert rows == 1
    assert "on host elsewhere" in refuses(database, target, "--ignore-runs")
    with announced(database, "meter run", world.clock):
        pass
    with database.writing() as connection:
        [left] = connection.execute(sa.text("SELECT host FROM active_runs")).scalars()
    assert left == "elsewhere"
    copy_ledger.copy_ledger(database, target, ignore_runs=True)


def test_ledger_that_is_written_in_is_not_copied(
    database: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_ledger, "PATIENCE_SECONDS", 1)
    world = with_a_past(database)

    with database.writing() as connection:
        connection.execute(sa.text("UPDATE watermarks SET hour = hour + 3600"))
        refuses(
            Database(database.url.render_as_string(False)), target, "Another process is writing to"
        )

    assert is_empty(target)
    assert world.postings()


def test_target_that_has_rows_or_another_version_is_refused(
    database: Database, tmp_path: Path
) -> None:
    world = with_a_past(database)
    taken, old = (Database(f"sqlite:///{tmp_path / name}.db") for name in ("taken", "old"))
    for one in (taken, old):
        schema.upgrade(one)
    World(taken).set_rate()
    schema.downgrade(old, "0011")

    refuses(database, taken, "is not empty: table ledger_locks has rows")
    refuses(database, Database(database.url.render_as_string(False)), "is the same database")
    refuses(database, old, "is at revision 0011")
    refuses(old, Database(f"sqlite:///{tmp_path / 'new.db'}"), "'instance-images db upgrade' first")

    assert len(world.postings()) == len(every_row(database)["postings"]) > 0


def test_copy_that_is_interrupted_leaves_nothing_and_can_be_repeated(
    database: Database, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with_a_past(database)
    kind = {"sqlite": "postgresql"}.get(database.url.get_backend_name(), "sqlite")
    with beside(request, kind, tmp_path) as target:

        def interrupt(table: str, _rows: int) -> None:
            if table == "postings":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            copy_ledger.copy_ledger(database, target, tell=interrupt)

        again = Database(target.url.render_as_string(False))
        assert is_empty(again)
        copy_ledger.copy_ledger(database, again)
        assert every_row(again) == every_row(database)
        again.engine.dispose()


def test_target_that_keeps_something_else_than_is_written_gets_nothing(
    database: Database, target: Database
) -> None:
    with_a_past(database)
    schema.upgrade(target)
    with target.writing() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER changes AFTER INSERT ON postings BEGIN"
            " UPDATE postings SET amount_nanos = '1'; END"
        )

    refuses(database, target, "stored table postings differently")

    assert is_empty(target)


def test_row_that_the_target_does_not_take_is_told_with_its_table(
    postgresql_server: sa.URL, target: Database
) -> None:
    schema.upgrade(target)
    with_a_past(target)
    with target.writing() as connection:
        connection.exec_driver_sql("UPDATE tasks SET stage = ?", ("x" * 300,))

    with new_database(postgresql_server) as url:
        told = refuses(target, Database(url), "rejected a row of table tasks: value too long")

        assert is_empty(Database(url))
    assert "xxx" not in told


def test_long_odd_names_of_sqlite_are_copied_as_other_databases_keep_them(
    postgresql_server: sa.URL, target: Database
) -> None:
    schema.upgrade(target)
    world = with_a_past(target)
    with target.writing() as connection:
        connection.exec_driver_sql("UPDATE images SET name = 'zero' || char(0) || ?", ("x" * 300,))

    with new_database(postgresql_server) as url:
        copy_ledger.copy_ledger(target, Database(url))

        with Database(url).reading() as connection:
            names = connection.execute(sa.text("SELECT DISTINCT name FROM images")).scalars().all()
    assert names == [("zero" + "x" * 300)[:255]]
    assert world.postings()


# ----------------------------------------------------------------------- the command


def test_command_tells_what_it_copied_and_no_password(
    postgresql_server: sa.URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Database(f"sqlite:///{tmp_path / 'ii.db'}")
    schema.upgrade(source)
    with_a_past(source)
    source.engine.dispose()
    cli = CommandLine(write_config(tmp_path / "ii.conf", f"sqlite:///{tmp_path / 'ii.db'}"))
    with new_database(postgresql_server) as url:
        secret = sa.make_url(url).set(password=PASSWORD).render_as_string(hide_password=False)
        monkeypatch.setenv("INSTANCE_IMAGES_COPY_TO", secret)

        told = cli.ok("db", "copy")
        again = cli.refused(3, "is not empty", "db", "copy")
        wrong = cli.refused(2, "--to is not a database URL", "db", "copy", "--to", f"x{PASSWORD}")
        elsewhere = secret.replace("postgres:", "nobody:")
        cli.refused(4, "cannot be used", "db", "copy", "--to", elsewhere)

        moved = CommandLine(write_config(tmp_path / "moved.conf", url))
        assert moved.ok("meter", "verify").out == cli.ok("meter", "verify").out
        assert moved.ok("db", "check")
    assert "images: 3\n" in told.out
    assert "row counts and digests match. Set [database] connection to the new database" in told.out
    for shown in (told, again, wrong):
        assert PASSWORD not in shown.out + shown.err


def test_hourly_run_is_on_record_while_it_works(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ii.db'}"
    database = Database(url)
    schema.upgrade(database)
    cli = CommandLine(write_config(tmp_path / "ii.conf", url), clock=lambda: at("2T12:00"))
    seen: list[str] = []

    def look(connection: sa.Connection) -> None:
        query = sa.text("SELECT command FROM active_runs")
        seen.extend(connection.execute(query).scalars())

    for command in (("meter", "run"), ("image", "sync")):
        with watched(look):
            cli(*command)

    assert {"meter run", "image sync"} <= set(seen)
    assert is_empty(database)


@contextmanager
def watched(look: Callable[[sa.Connection], None]) -> Iterator[None]:
    """Look at what stands in the database when a transaction that reads begins to select."""

    def before(connection: sa.Connection, *_: object) -> None:
        if not connection.get_execution_options().get("writes"):
            sa.event.remove(sa.Engine, "before_cursor_execute", before)
            look(connection)
            sa.event.listen(sa.Engine, "before_cursor_execute", before)

    sa.event.listen(sa.Engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", before)
