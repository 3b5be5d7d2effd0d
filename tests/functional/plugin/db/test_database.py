"""The schema is walked both ways on every database, and is what the tables say."""

import threading

import pytest
import sqlalchemy as sa

from instance_images.db import schema
from instance_images.db.engine import Database
from instance_images.db.images import find_images
from instance_images.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    TransactionConflict,
)
from instance_images_billing.audit.verify import verify_location

from support.servers.database_servers import new_database
from support.worlds.ledger_world import LOCATION, World


def test_a_migrated_database_has_the_tables_of_the_code(database: Database) -> None:
    assert schema.schema_differences(database) == []


def test_the_history_is_walked_down_and_up_again(database: Database) -> None:
    schema.downgrade(database, "base")

    with database.reading() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    assert schema.upgrade(database) == (None, schema.head_revision())
    assert schema.schema_differences(database) == []


def test_a_user_without_rights_is_told_as_such(postgresql_server: sa.URL) -> None:
    with new_database(postgresql_server) as url:
        owned = Database(url)
        schema.upgrade(owned)
        with owned.writing() as connection:
            connection.execute(sa.text("CREATE ROLE without_rights"))
        options = {"options": "-c role=without_rights"}
        theirs = Database(
            sa.make_url(url).update_query_dict(options).render_as_string(hide_password=False)
        )
        try:
            with (
                pytest.raises(ConfigurationError, match="rejects its user: permission denied"),
                theirs.reading() as connection,
            ):
                connection.execute(sa.text("SELECT * FROM images"))
        finally:
            theirs.engine.dispose()
            with owned.writing() as connection:
                connection.execute(sa.text("DROP ROLE without_rights"))
            owned.engine.dispose()


def test_an_upgrade_of_a_database_in_use_changes_nothing(database: Database) -> None:
    world = World(database)
    world.set_rate()
    world.capture("2T12:00")
    world.run("2T13:05")
    before = world.postings()

    assert schema.upgrade(database) == (schema.head_revision(), schema.head_revision())

    assert world.postings() == before


def test_a_ledger_of_the_first_revision_goes_on_after_the_upgrade(database: Database) -> None:
    world = World(database)
    world.set_rate()
    ended = world.capture("2T12:00", "ended")
    stored = world.capture("2T12:00", "stored")
    world.delete("2T12:30", ended)
    world.run("2T13:05")
    world.capture("2T13:10", "unmetered")
    world.delete("2T13:30", stored)
    before = world.postings()

    schema.downgrade(database, "0001")
    assert schema.upgrade(database) == ("0001", schema.head_revision())
    world.run("2T14:05")

    assert world.postings()[: len(before)] == before
    assert world.seconds() == {"2T12:00": 1800 + 3600, "2T13:00": 50 * 60 + 30 * 60}
    assert world.adjustments() == []
    with database.reading() as connection:
        assert verify_location(connection, LOCATION.name, world.billing.timezone) == []


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    world = World(database)

    def fail_half_way() -> None:
        with database.writing() as connection:
            connection.execute(sa.text("INSERT INTO watermarks (location, hour) VALUES ('x', 0)"))
            raise KeyError("half-way")

    with pytest.raises(KeyError):
        fail_half_way()

    assert world.watermark() is None
    with database.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM watermarks")).scalar_one() == 0


def test_a_snapshot_does_not_see_what_is_written_meanwhile(database: Database) -> None:
    count = sa.text("SELECT count(*) FROM watermarks")

    with database.snapshot() as connection:
        before = connection.execute(count).scalar_one()
        with database.writing() as other:
            other.execute(sa.text("INSERT INTO watermarks (location, hour) VALUES ('x', 0)"))
        after = connection.execute(count).scalar_one()

    assert (before, after) == (0, 0)
    with database.reading() as connection:
        assert connection.execute(count).scalar_one() == 1


def test_a_rehearsal_leaves_nothing(database: Database) -> None:
    with database.rehearsing() as connection:
        connection.execute(sa.text("INSERT INTO watermarks (location, hour) VALUES ('x', 0)"))

    with database.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM watermarks")).scalar_one() == 0


def test_a_database_that_was_never_migrated_says_how_to(database_url: str) -> None:
    fresh = Database(database_url)
    if fresh.url.get_backend_name() == "sqlite":
        fresh.engine.connect().close()

    with pytest.raises(ConfigurationError, match="instance-images db upgrade"):
        World(fresh).watermark()


def test_naive_instants_never_reach_the_database(database: Database) -> None:
    from datetime import datetime

    from instance_images.db.tables import readings

    with pytest.raises(sa.exc.StatementError, match="naive"), database.writing() as connection:
        connection.execute(
            sa.insert(readings).values(location="x", read_at=datetime(2026, 1, 1))  # noqa: DTZ001
        )


def test_a_server_that_does_not_listen_is_unavailable() -> None:
    nowhere = Database("postgresql+psycopg://user:secret@127.0.0.1:1/nothing")

    with pytest.raises(DatabaseUnavailable) as raised:
        World(nowhere).watermark()

    assert "secret" not in str(raised.value)


def test_names_that_differ_in_case_accent_or_blanks_alone_are_different(
    database: Database,
) -> None:
    world = World(database)
    for name in ("web", "Web", "wéb"):
        world.capture("2T12:00", name)

    with database.reading() as connection:
        for name in ("web", "Web", "wéb"):
            found = find_images(connection, "RegionOne", "a", name)
            assert [image.name for image in found] == [name]
        assert find_images(connection, "RegionOne", "a", "web ") == []


def test_work_that_lost_against_another_transaction_is_done_again(database: Database) -> None:
    lost: list[int] = []

    def work(connection: sa.Connection) -> str:
        connection.execute(sa.text("INSERT INTO watermarks (location, hour) VALUES ('x', 0)"))
        if len(lost) < 3:
            lost.append(1)
            raise TransactionConflict("lost")
        return "done"

    assert database.write(work) == "done"

    assert len(lost) == 3
    with database.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM watermarks")).scalar_one() == 1


def test_a_deadlock_is_known_as_a_conflict(database: Database) -> None:
    if database.url.get_backend_name() == "sqlite":
        return  # it has one writer at a time, and no deadlocks
    with database.writing() as connection:
        for location in ("a", "b"):
            connection.execute(
                sa.text("INSERT INTO watermarks (location, hour) VALUES (:l, 0)"), {"l": location}
            )
    outcomes: list[str] = []
    both_hold_one = threading.Barrier(2)

    def lock(first: str, second: str) -> None:
        try:
            with database.writing() as connection:
                touch(connection, first)
                both_hold_one.wait(10)
                touch(connection, second)
            outcomes.append("done")
        except TransactionConflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=lock, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["conflict", "done"]


def touch(connection: sa.Connection, location: str) -> None:
    connection.execute(
        sa.text("UPDATE watermarks SET hour = hour + 1 WHERE location = :l"), {"l": location}
    )


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_that_ends_with_the_process_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="without the path of a file"):
        Database(url)
