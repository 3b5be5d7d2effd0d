"""How a connection to each kind of database is made, so that it behaves the same everywhere.

Servers, roles and URLs bring settings of their own: encodings, SQL modes. What the ledger depends
on is set for each connection, and what cannot be set is refused. Knows no table.
"""

import threading
import warnings
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from instance_images.db.exact import add_exact_sum
from instance_images.errors import ConfigurationError

SQLITE_BUSY_SECONDS = 60
_MIN_HIDDEN_CHARACTERS = 4
# Refuse what does not fit, as all other databases do, and no dialect of another product.
_SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_ARGUMENTS: dict[str, dict[str, Any]] = {
    # PgBouncer may give each transaction another session, which knows no statement of this one.
    "psycopg": {"client_encoding": "utf8", "prepare_threshold": None},
    "psycopg2": {"client_encoding": "utf8"},
    "pymysql": {"charset": "utf8mb4"},
    "mysqldb": {"charset": "utf8mb4"},
    "mysqlconnector": {"charset": "utf8mb4"},
}


def create_engine(url: sa.URL, named: str) -> sa.Engine:
    """Return an engine whose connections are prepared; it connects to nothing yet.

    ``named``: where the URL stands. Raises ConfigurationError for a SQLite database in memory,
    which ends with the process, and for an option that the driver of SQLite does not take.
    """
    if url.get_backend_name() == "sqlite" and (url.database or ":").startswith(":"):
        raise ConfigurationError(
            f"{named} is a SQLite URL, which needs the path of a file, as in"
            " sqlite:////var/lib/instance-images/instance-images.db: without it, nothing is kept."
        )
    engine = _engine(url, named)
    event.listen(engine, "do_connect", partial(_connect, url, named))
    match url.get_backend_name():
        case "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            event.listen(engine, "connect", partial(_require_utf8, named), insert=True)
        case "mysql" | "mariadb":
            # Before SQLAlchemy asks the first connection how names are quoted.
            event.listen(engine, "connect", _prepare_mysql, insert=True)
    return engine


def _engine(url: sa.URL, named: str) -> sa.Engine:
    """Make the engine. SQLAlchemy warns of an option that it leaves out for SQLite: refuse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", exc.SAWarning)
            return sa.create_engine(url, **_options(url))
    except exc.SAWarning:
        raise ConfigurationError(
            f"{named} has an option behind ? that the driver of SQLite does not take. Correct or"
            " remove it; timeout, in seconds, is one that it takes."
        ) from None
    except ValueError as error:
        if not url.query:
            raise
        raise _bad_option(url, named, error) from None


def _connect(
    url: sa.URL,
    named: str,
    dialect: Any,
    _record: object,
    arguments: list[Any],
    options: dict[str, Any],
) -> Any:
    """Connect; an option in the URL that the driver does not take is the configuration's fault."""
    try:
        return dialect.connect(*arguments, **options)
    except dialect.loaded_dbapi.ProgrammingError as error:  # libpq's word for an unknown option
        raise _bad_option(url, named, error) from None
    except dialect.loaded_dbapi.Error:
        raise
    except ConfigurationError:
        raise
    except Exception as error:  # an unknown argument, a file that is missing, a package as well
        raise _bad_option(url, named, error) from None


def _bad_option(url: sa.URL, named: str, error: Exception) -> ConfigurationError:
    """Return ours for what the driver says; it is not chained, since it may hold the URL.

    Values of options are hidden: a secret may stand where it does not belong.
    """
    reason = " ".join(str(error).split()).rstrip(".")
    for values in url.normalized_query.values():
        for value in values:
            if len(value) >= _MIN_HIDDEN_CHARACTERS:
                reason = reason.replace(value, "***")
    return ConfigurationError(
        f"{named} cannot be used: {reason}. Correct the options"
        " behind ? in it, or install what the driver asks for."
    )


def turn_of_writers(url: sa.URL) -> AbstractContextManager[object]:
    """Return what the writers of this process enter one after the other.

    SQLite lets a writer in when it happens to look between two others; one that writes again and
    again kept another thread out for 17 s.
    """
    return threading.Lock() if url.get_backend_name() == "sqlite" else nullcontext()


def _options(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": SQLITE_BUSY_SECONDS}}
    return {
        # A locking read must see what others committed while it waited for the lock.
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,
        # Whatever the URL, the environment or the server says: names have any character.
        "connect_args": dict(_ARGUMENTS.get(url.get_driver_name(), {})),
    }


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own
    add_exact_sum(connection)
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _require_utf8(named: str, connection: Any, _record: object) -> None:
    """Refuse a database of PostgreSQL that cannot store every name; the server tells it unasked.

    One of SQL_ASCII takes any bytes, and counts bytes where characters are meant.
    """
    encoding = _server_encoding(connection)
    if encoding not in (None, "UTF8"):
        connection.close()
        raise ConfigurationError(
            f"{named}: the database has the encoding {encoding}, in which names of images and"
            " accounts cannot be stored: create another one with CREATE DATABASE ... ENCODING"
            " 'UTF8' TEMPLATE template0, restore into it what pg_dump wrote of this one, and name"
            " it instead. Nothing was changed."
        )


def _server_encoding(connection: Any) -> str | None:
    """Return the database's encoding as the driver was told it, None where it does not say."""
    told = getattr(connection, "get_parameter_status", None)  # psycopg2
    if told is None and hasattr(connection, "info"):
        told = getattr(connection.info, "parameter_status", None)  # psycopg
    encoding = told and told("server_encoding")
    return str(encoding) if encoding else None


def _prepare_mysql(connection: Any, _record: object) -> None:
    """Set the SQL mode, and let a node of a Galera cluster answer only when it is up to date."""
    cursor = connection.cursor()
    cursor.execute(f"SET SESSION sql_mode = '{_SQL_MODE}'")
    cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
    if cursor.fetchone() == ("wsrep_on", "ON"):
        cursor.execute("SET SESSION wsrep_sync_wait = 7")
    cursor.close()
