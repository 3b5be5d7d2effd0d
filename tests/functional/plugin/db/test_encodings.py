"""Every name can be stored, whatever encoding or SQL mode the URL or the server brings."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from instance_images.db import schema
from instance_images.db.accounts import accounts_by_key, lock_account, write_names
from instance_images.db.engine import Database
from instance_images.db.images import get_image, insert_image
from instance_images.errors import ConfigurationError
from instance_images.images.capture import prepared
from instance_images.model.records import Account
from instance_images.model.requests.idempotency import RequestIds
from instance_images_billing.audit.verify import verify_location

from support.processes.command_line import CommandLine, write_config
from support.worlds.ledger_world import LOCATION, World

NAME = "prod 🚀 gold"
MODES = ("", "ORACLE", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,TRADITIONAL")


@contextmanager
def made(server: sa.URL, options: str = "") -> Iterator[sa.URL]:
    """Create a database with these options; drop it afterwards."""
    name = f"t_{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} {options}")
        yield server.set(database=name)
        connection.exec_driver_sql(f"DROP DATABASE {name}")
    engine.dispose()


def tells_a_story(url: sa.URL) -> None:
    """Assert that an image of that name is captured, renamed, billed and verified."""
    database = Database(url.render_as_string(hide_password=False))
    try:
        schema.upgrade(database)
        assert schema.schema_differences(database) == []
        world = World(database)
        world.set_rate()
        world.capture("2T11:30", NAME)
        world.run("2T13:05")

        assert world.seconds() == {"2T11:00": 1800, "2T12:00": 3600}
        with database.reading() as connection:
            assert verify_location(connection, LOCATION.name, world.billing.timezone) == []
            names = connection.execute(sa.text("SELECT name FROM images")).scalars().all()
            assert names == [NAME]
    finally:
        database.engine.dispose()


# ------------------------------------------------------------------------ PostgreSQL


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_database_that_cannot_store_every_name_is_refused_with_the_cure(
    postgresql_server: sa.URL, tmp_path: Path, encoding: str
) -> None:
    options = f"ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    with made(postgresql_server, options) as url:
        config = write_config(tmp_path / "ii.conf", url.render_as_string(hide_password=False))
        cli = CommandLine(config)

        for command in (("db", "upgrade"), ("meter", "run")):
            refused = cli.refused(2, f"has the encoding {encoding}", *command)
            assert "ENCODING 'UTF8' TEMPLATE template0" in refused.err
        doctor = cli("doctor", "-f", "json")

        [found] = [one for one in doctor.json if one["check"] == "database"]
        assert (doctor.exit_code, found["severity"]) == (1, "error")
        assert f"has the encoding {encoding}" in found["what"]


@pytest.mark.parametrize("where", ["url", "environment", "database"])
def test_encoding_that_the_client_is_told_elsewhere_does_not_count(
    postgresql_server: sa.URL, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with made(postgresql_server, "ENCODING 'UTF8' TEMPLATE template0") as url:
        match where:
            case "url":
                url = url.update_query_dict({"client_encoding": "latin1"})
            case "environment":
                monkeypatch.setenv("PGCLIENTENCODING", "latin1")
            case _:
                with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
                    connection.exec_driver_sql(
                        f"ALTER DATABASE {url.database} SET client_encoding = latin1"
                    )
                    connection.invalidate()

        tells_a_story(url)


# --------------------------------------------------------------------------- MariaDB


@pytest.mark.all
@pytest.mark.parametrize("charset", ["utf8", "latin1"])
def test_character_set_of_url_or_database_does_not_count(
    mariadb_server: sa.URL, charset: str
) -> None:
    with made(mariadb_server, "CHARACTER SET latin1") as url:
        tells_a_story(url.update_query_dict({"charset": charset}))


@pytest.mark.all
def test_sql_mode_of_the_server_does_not_count(mariadb_server: sa.URL) -> None:
    with sa.create_engine(mariadb_server, isolation_level="AUTOCOMMIT").connect() as connection:
        try:
            for mode in MODES:
                connection.exec_driver_sql(f"SET GLOBAL sql_mode = '{mode}'")
                with made(mariadb_server) as url:
                    tells_a_story(url)
        finally:
            connection.exec_driver_sql("SET GLOBAL sql_mode = DEFAULT")


@pytest.mark.all
def test_table_that_was_converted_is_told_with_the_cure(
    mariadb_server: sa.URL, tmp_path: Path
) -> None:
    with made(mariadb_server) as url:
        cli = CommandLine(
            write_config(tmp_path / "ii.conf", url.render_as_string(hide_password=False))
        )
        cli.ok("db", "upgrade")
        database = Database(url.render_as_string(hide_password=False))
        with database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE accounts CONVERT TO CHARACTER SET latin1")

        cure = "run ALTER TABLE accounts CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        assert cure in cli.refused(2, "cannot store every name", "db", "upgrade").err
        assert any(cure in line for line in cli("db", "check").out.splitlines())
        assert any(cure in one["what"] for one in cli("doctor", "-f", "json").json)
        with pytest.raises(ConfigurationError, match="instance-images doctor"):
            keep(database, Account("a", NAME))

        with database.writing() as connection:
            connection.exec_driver_sql(cure.removeprefix("run "))
        cli.ok("db", "upgrade")
        cli.ok("db", "check")
        keep(database, Account("a", NAME))
        database.engine.dispose()


# ----------------------------------------------------------------------- all of them


def keep(database: Database, account: Account) -> int:
    """Write the account down; return its key."""
    with database.writing() as connection:
        return lock_account(connection, LOCATION.name, account).account_key


def test_one_name_that_no_database_stores_keeps_none_of_the_others_from_being_renewed(
    database: Database,
) -> None:
    keys = [keep(database, Account(account_id, "old")) for account_id in "abcd"]
    names = ["zero\0zero", "half \ud83d pair", "long" * 100, NAME]

    with database.writing() as connection:
        write_names(
            connection,
            [
                (key, Account(account_id, name, name))
                for key, account_id, name in zip(keys, "abcd", names, strict=True)
            ],
        )

    with database.reading() as connection:
        rows = accounts_by_key(connection, LOCATION.name)
    assert [rows[key].account_name for key in keys] == [
        "zerozero", "half  pair", ("long" * 100)[:255], NAME,
    ]  # fmt: skip
    assert [rows[key].domain_name for key in keys] == [rows[key].account_name for key in keys]


def test_instance_whose_name_no_database_stores_is_captured(database: Database) -> None:
    world = World(database)
    server = replace(world.cloud.find_server("a", "vm"), name="vm\0 \ud83d")
    request = prepared(world.site, server, "golden", RequestIds("task-1", "image-1"))

    key = keep(database, Account("a", "a"))
    with database.writing() as connection:
        insert_image(connection, key, request)

    with database.reading() as connection:
        assert get_image(connection, "image-1").source_instance_name == "vm "
