"""Makes connections to each kind of database, with the same behaviour everywhere.

Servers, roles and URLs have settings of their own: encodings, SQL modes. Settings that the ledger
depends on are set for each connection; a database that does not allow them is refused. Knows no
table.
"""

import threading
import time
import warnings
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import ExceptionContext

from instance_images.db.connections.bounded_waits import bounded_psycopg, with_bounds
from instance_images.db.exact import add_exact_sum
from instance_images.errors import ConfigurationError

SQLITE_BUSY_SECONDS = 60
# A connection that was used a moment ago is not asked whether it is still good.
FRESH_SECONDS = 1.0
_USED_AT = "instance_images_used_at"
_MIN_HIDDEN_CHARACTERS = 4
# Reject values that do not fit, as all other databases do; disable dialects of other products.
_SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
# Executions of a statement before it is prepared.
_REPETITIONS = 2
# SQLSTATE and text of PostgreSQL where a table was altered after a statement on it was prepared.
_FEATURE_NOT_SUPPORTED = "0A000"
_STALE = "cached plan must not change result type"
_ARGUMENTS: dict[str, dict[str, Any]] = {
    # Statements are prepared for those who repeat them, and where no pooler is between.
    "psycopg": {"client_encoding": "utf8", "prepare_threshold": None},
    "psycopg2": {"client_encoding": "utf8"},
    "pymysql": {"charset": "utf8mb4"},
    "mysqldb": {"charset": "utf8mb4"},
    "mysqlconnector": {"charset": "utf8mb4"},
}


def create_engine(url: sa.URL, named: str, answer_seconds: int | None = None) -> sa.Engine:
    """Return an engine whose connections are prepared; it connects to nothing yet.

    ``named``: the option that has the URL, for errors. ``answer_seconds``: how long an answer may
    take, None for any time. Raises ConfigurationError for a SQLite database in memory, and for an
    option that the SQLite driver does not know.
    """
    if url.get_backend_name() == "sqlite" and (url.database or ":").startswith(":"):
        raise ConfigurationError(
            f"{named} is a SQLite URL without the path of a file, so that nothing would be kept:"
            " write it as in sqlite:////var/lib/instance-images/instance-images.db."
        )
    engine = _engine(url, named, answer_seconds)
    event.listen(engine, "do_connect", partial(_connect, url, named, answer_seconds))
    if url.get_backend_name() != "sqlite":
        event.listen(engine, "checkout", partial(_require_good, engine.dialect))
        event.listen(engine, "checkin", _remember_use)
    match url.get_backend_name():
        case "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            event.listen(engine, "handle_error", _drop_if_stale)
            event.listen(engine, "connect", partial(_require_utf8, named), insert=True)
        case "mysql" | "mariadb":
            # Must run before SQLAlchemy reads the quoting of names from the first connection.
            event.listen(engine, "connect", _prepare_mysql, insert=True)
    return engine


def _engine(url: sa.URL, named: str, answer_seconds: int | None) -> sa.Engine:
    """Make the engine. SQLAlchemy only warns of an unknown SQLite option: refuse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", exc.SAWarning)
            return sa.create_engine(url, **_options(url, answer_seconds))
    except exc.SAWarning:
        raise ConfigurationError(
            f"{named} has an option after ? that the SQLite driver does not know. Correct or"
            " remove it; timeout, in seconds, is one that it takes."
        ) from None
    except ValueError as error:
        if not url.query:
            raise
        raise _bad_option(url, named, error) from None


def _connect(
    url: sa.URL,
    named: str,
    answer_seconds: int | None,
    dialect: Any,
    _record: object,
    arguments: list[Any],
    options: dict[str, Any],
) -> Any:
    """Connect; raise ConfigurationError for a URL option that the driver does not know."""
    try:
        if answer_seconds is not None and url.get_driver_name() == "psycopg":
            connection = bounded_psycopg(answer_seconds).connect(*arguments, **options)
            _prepare_if_direct(connection)
            return connection
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
    """Return a ConfigurationError; not chained, because the original may contain the URL.

    Values of options are hidden: a secret may stand where it does not belong.
    """
    reason = " ".join(str(error).split()).rstrip(".")
    for values in url.normalized_query.values():
        for value in values:
            if len(value) >= _MIN_HIDDEN_CHARACTERS:
                reason = reason.replace(value, "***")
    return ConfigurationError(
        f"{named} cannot be used: {reason}. Correct its options after ?, or install what the"
        " driver requires."
    )


def turn_of_writers(url: sa.URL) -> AbstractContextManager[object]:
    """Return the lock that serialises the writers of this process.

    SQLite's lock is not fair: a busy writer kept another thread waiting for 17 s.
    """
    return threading.Lock() if url.get_backend_name() == "sqlite" else nullcontext()


def _options(url: sa.URL, answer_seconds: int | None) -> dict[str, Any]:
    is_sqlite, driver = url.get_backend_name() == "sqlite", url.get_driver_name()
    # Override URL, environment and server: names may have any character.
    arguments = {"timeout": SQLITE_BUSY_SECONDS} if is_sqlite else _ARGUMENTS.get(driver, {})
    if answer_seconds is not None:
        arguments = with_bounds(driver, arguments, answer_seconds)
    if is_sqlite:
        return {"connect_args": arguments}
    return {
        # A locking read must see what others committed while it waited for the lock.
        "isolation_level": "READ COMMITTED",
        "connect_args": dict(arguments),
    }


def _remember_use(_connection: object, record: Any) -> None:
    record.info[_USED_AT] = time.monotonic()


def _require_good(dialect: Any, connection: Any, record: Any, _proxy: object) -> None:
    """Have the pool connect anew where a connection that was not used for a while is broken."""
    used_at = record.info.get(_USED_AT)
    if used_at is None or time.monotonic() - used_at < FRESH_SECONDS:
        return  # a new one, or as good as a moment ago
    try:
        is_good = dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error:
        is_good = False
    if not is_good:
        raise exc.InvalidatePoolError


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
    """Refuse a PostgreSQL database that cannot store every name; the server reports its encoding.

    SQL_ASCII accepts any bytes, and counts bytes instead of characters.
    """
    encoding = _server_encoding(connection)
    if encoding not in (None, "UTF8"):
        connection.close()
        raise ConfigurationError(
            f"{named}: the database has the encoding {encoding}, which cannot store all names of"
            " images and accounts: create another database with CREATE DATABASE ... ENCODING"
            " 'UTF8' TEMPLATE template0, restore a pg_dump of this one into it, and name it"
            " instead. Nothing was changed."
        )


def _server_encoding(connection: Any) -> str | None:
    """Return the database's encoding as the driver reports it, or None."""
    told = getattr(connection, "get_parameter_status", None)  # psycopg2
    if told is None and hasattr(connection, "info"):
        told = getattr(connection.info, "parameter_status", None)  # psycopg
    encoding = told and told("server_encoding")
    return str(encoding) if encoding else None


def _prepare_mysql(connection: Any, _record: object) -> None:
    """Set the SQL mode; make Galera nodes wait until they are up to date before they answer."""
    cursor = connection.cursor()
    cursor.execute(f"SET SESSION sql_mode = '{_SQL_MODE}'")
    cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
    if cursor.fetchone() == ("wsrep_on", "ON"):
        cursor.execute("SET SESSION wsrep_sync_wait = 7")
    cursor.close()


def _prepare_if_direct(connection: Any) -> None:
    """Have a new connection of psycopg prepare statements, unless a pooler is between.

    A pooler such as PgBouncer may give each transaction another session of the server, which does
    not know what was prepared in the one before. It gives each connection a key of its own to
    cancel queries by: the process id in it is none of the session's.
    """
    connection.autocommit = True
    with connection.cursor() as cursor:
        session_id = cursor.execute("SELECT pg_backend_pid()").fetchone()[0]
    connection.autocommit = False
    if session_id == connection.info.backend_pid:
        connection.prepare_threshold = _REPETITIONS


def _drop_if_stale(context: ExceptionContext) -> None:
    """Have the pool connect anew where an upgrade has altered what a prepared statement reads."""
    if is_stale(context.original_exception):
        context.is_disconnect = True


def is_stale(error: BaseException | None) -> bool:
    """Return whether a statement was prepared before an upgrade altered what it reads."""
    sqlstate = getattr(error, "sqlstate", None)
    return sqlstate == _FEATURE_NOT_SUPPORTED and _STALE in str(error)
