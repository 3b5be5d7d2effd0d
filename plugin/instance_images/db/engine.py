"""The database engine, its transactions, and the version of its schema.

Owns the begin of transactions and the translation of the driver's errors; knows no table. Queries
elsewhere take a connection and never commit. Every transaction says whether it reads or writes: on
SQLite a writer takes the lock when it begins, so that it waits instead of failing later.
"""

import contextlib
import os
import pwd
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from instance_images.db.connections.connecting import create_engine, is_stale, turn_of_writers
from instance_images.db.connections.fixed_queries import Asking, DriverConnections, can_ask_driver
from instance_images.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    SchemaOutOfDate,
    TransactionConflict,
)

# Errors of SQLite, PostgreSQL and MariaDB for a missing table or column.
_MISSING_TABLE = re.compile(
    "no such (table|column)|(relation|column) .* does not exist|[Tt]able .* doesn't exist"
    "|Unknown column"
)
# Deadlocks and failed serialisations: SQLSTATEs of PostgreSQL, error numbers of MariaDB. A Galera
# cluster aborts one of two conflicting transactions as in a deadlock, at any statement or at the
# commit; 1305 is the error for the lost savepoint.
_CONFLICT = re.compile(r"\b(40P01|40001|55P03)\b|\((1213|1205|1305|1020),")
# A text that has no equivalent in the encoding of the table or the database.
_WRONG_ENCODING = re.compile(r"\b(22P05|22021)\b|\(1366,")
CONFLICTS_IN_A_ROW = 10
# Connections of the pool's fifteen that are kept for fixed queries.
_MOST_KEPT = 2
_NO_PRIVILEGE = "42501"  # PostgreSQL; MariaDB's refusals are operational errors
T = TypeVar("T")
_UPGRADE = "run 'instance-images db upgrade'"


class Database:
    """One engine. Create it once per process."""

    def __init__(
        self,
        url: str,
        named: str = "Configuration: [database] connection",
        answer_seconds: int | None = None,
    ) -> None:
        """Make the engine; ``named``: the option that has the URL, for errors.

        ``answer_seconds``: how long an answer may take, None for any time.
        """
        try:
            self.url = sa.make_url(url)
            _require_escaped(self.url, named)
            self.engine = create_engine(self.url, named, answer_seconds)
        except (exc.ArgumentError, exc.NoSuchModuleError, ValueError):
            raise ConfigurationError(
                f"{named} is not a database URL: write it as in"
                " sqlite:////var/lib/instance-images/instance-images.db"
            ) from None  # it may hold a part of the password
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"{named} needs the database driver {error.name}, which is not installed: install"
                " instance-images[postgresql] or instance-images[mysql]."
            ) from error
        # What was found to be as it must be, and remains so while this process runs.
        self.verified: set[str] = set()
        self._turn = turn_of_writers(self.url)
        # On PostgreSQL, beginning and ending a transaction are requests of their own.
        is_postgresql = self.url.get_backend_name() == "postgresql"
        # Only a process that answers requests repeats its queries at once.
        kept = 0 if answer_seconds is None else _MOST_KEPT
        self._driver = DriverConnections(self.engine, kept) if can_ask_driver(self.url) else None
        self._each = (
            self.engine.execution_options(isolation_level="AUTOCOMMIT") if is_postgresql else None
        )

    @property
    def shown_url(self) -> str:
        """The printable URL: without password and parameters."""
        return self.url.set(query={}).render_as_string(hide_password=True)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction that does not write."""
        with self.translated():
            self._require_file()
            with self.engine.begin() as connection:
                yield connection

    @contextlib.contextmanager
    def looking(self) -> Iterator[sa.Connection]:
        """Yield a connection for short queries; each may see what was committed before it.

        Nothing can be streamed, and nothing may be written.
        """
        if self._each is None:
            with self.reading() as connection:
                yield connection
            return
        with self.translated(), self._each.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def asking(self) -> Iterator[Asking]:
        """Yield what fetches fixed queries; each may see what was committed before it."""
        if self._driver is None:
            with self.looking() as connection:
                yield connection
            return
        with self.translated(), self._driver.one() as connection:
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Yield a read-only connection that sees the database as of one instant.

        Use it for sums over several queries: an hour may be closed between them.
        """
        with self.translated():
            self._require_file()
            with self.engine.connect() as connection:
                if self.url.get_backend_name() != "sqlite":  # whose readers see a snapshot anyway
                    connection = connection.execution_options(isolation_level="REPEATABLE READ")
                with connection.begin():
                    yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction; commit on success, roll back on an error."""
        actions: list[Callable[[], None]] = []
        with self.translated(), self._turn:
            self._require_file()
            with self.engine.connect() as connection:
                connection = connection.execution_options(writes=True, after_commit=actions)
                with connection.begin():
                    yield connection
        for act in actions:
            act()

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Do the work in a writing transaction; repeat it if it was aborted for another one.

        The work may run several times; only the last run counts. It must change nothing but the
        database.
        """
        for lost in range(CONFLICTS_IN_A_ROW):
            try:
                with self.writing() as connection:
                    return work(connection)
            except TransactionConflict:
                longest = min(0.1 * 2**lost, 2)
                time.sleep(random.uniform(0.01, longest))  # noqa: S311 - so that two do not meet again
        with self.writing() as connection:
            return work(connection)

    @contextlib.contextmanager
    def rehearsing(self) -> Iterator[sa.Connection]:
        """Yield a writable connection that is always rolled back."""
        with self.translated(), self._turn:
            self._require_file()
            with self.engine.connect() as connection:
                connection = connection.execution_options(writes=True, rehearses=True)
                with connection.begin() as transaction:
                    yield connection
                    transaction.rollback()

    def _require_file(self) -> None:
        """Raise an error for a missing SQLite file: SQLite would create an empty database."""
        path = self.url.database
        if self.url.get_backend_name() != "sqlite" or not path or path.startswith(":"):
            return
        try:
            exists = Path(path).exists()
        except PermissionError as error:
            raise ConfigurationError(_fault_of_access(Path(path)) or str(error)) from error
        if not exists:
            raise ConfigurationError(f"The database {path} does not exist: {_UPGRADE} first.")

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Translate the driver's errors; errors of wrong SQL are not translated."""
        try:
            yield
        except (exc.OperationalError, exc.InternalError, exc.InterfaceError) as error:
            raise self._explained(error) from error
        except exc.ProgrammingError as error:
            if _is_missing_table(error):
                raise self._not_migrated() from error
            if getattr(error.orig, "sqlstate", "") == _NO_PRIVILEGE:
                raise ConfigurationError(
                    f"The database {self.shown_url} rejects its user: {_first_line(error)}. Let"
                    " the user own the database and its tables."
                ) from error
            raise
        except exc.DataError as error:
            if _WRONG_ENCODING.search(_fault(error)):
                raise ConfigurationError(
                    f"The database {self.shown_url} cannot store a name, because of the encoding"
                    " of a table. Nothing was changed. 'instance-images doctor' names the table"
                    " and the fix."
                ) from error
            raise
        except exc.NotSupportedError as error:
            if is_stale(error.orig):
                raise TransactionConflict(
                    f"The schema of database {self.shown_url} was changed meanwhile. Nothing was"
                    " changed; try again."
                ) from error
            raise
        except exc.IntegrityError as error:
            if "living_key" in _fault(error):  # two processes put one image on record
                raise TransactionConflict(
                    f"The database {self.shown_url} already has the image: another process"
                    " recorded it. Nothing was changed; try again."
                ) from error
            raise
        except exc.DatabaseError as error:
            if type(error) is not exc.DatabaseError:
                raise
            raise self._explained(error) from error  # SQLite: the file is no database

    def _explained(self, error: exc.DBAPIError) -> Exception:
        reason = _first_line(error)
        if _is_missing_table(error):
            return self._not_migrated()
        if _CONFLICT.search(_fault(error)):
            return TransactionConflict(
                f"The database {self.shown_url} aborted the transaction because of a concurrent"
                f" one: {reason}. Nothing was changed; try again."
            )
        is_file = self.url.get_backend_name() == "sqlite" and bool(self.url.database)
        if is_file and (fault := _fault_of_access(Path(self.url.database or ""))):
            return DatabaseUnavailable(fault)
        if re.search("read.?only", reason, re.IGNORECASE):
            return DatabaseUnavailable(
                f"The database {self.shown_url} is read-only: nothing was changed. Give this user"
                " write access to the file and its directory, or to the server."
            )
        return DatabaseUnavailable(
            f"The database {self.shown_url} cannot be used: {reason}. Nothing was half-done;"
            " try again when it is reachable."
        )

    def _not_migrated(self) -> SchemaOutOfDate:
        return SchemaOutOfDate(
            f"The schema of database {self.shown_url} is out of date: {_UPGRADE}."
        )


def _first_line(error: exc.DBAPIError) -> str:
    return (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]


def _require_escaped(url: sa.URL, named: str) -> None:
    """Refuse an unescaped @ in a password: the rest would be parsed as the host name."""
    if url.host and "@" in url.host:
        raise ConfigurationError(f"{named} has more than one @: write an @ in the password as %40.")


def _fault_of_access(path: Path) -> str | None:
    """Return an error that names the owner of an SQLite file or directory that is not writable."""
    user = _user_name(os.geteuid())
    for one in (path.parent, path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        try:
            owner = _user_name(one.stat().st_uid)
        except FileNotFoundError:
            continue
        except PermissionError:
            return (
                f"The database {path} cannot be used: user {user} cannot look into its directory."
                " Run every command as the user that owns it."
            )
        if not os.access(one, os.W_OK, effective_ids=True):
            return (
                f"The database {path} cannot be used: user {user} cannot write {one}, which belongs"
                f" to user {owner}. Nothing was changed. Run every command as the same user, and"
                f" give it the file and its directory."
            )
    return None


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _fault(error: exc.DBAPIError) -> str:
    """Return the SQLSTATE, if the driver has it, and the database's message."""
    return f"{getattr(error.orig, 'sqlstate', '')} {str(error.orig).strip().splitlines()[0]}"


def _is_missing_table(error: exc.DBAPIError) -> bool:
    return bool(_MISSING_TABLE.search(str(error.orig)))


def after_commit(connection: sa.Connection, act: Callable[[], None]) -> None:
    """Do it once the transaction of ``writing`` or ``write`` is committed, and not otherwise.

    A rehearsal is never committed. On another connection, it is done at once.
    """
    options = connection.get_execution_options()
    actions: list[Callable[[], None]] | None = options.get("after_commit")
    if actions is not None:
        actions.append(act)
    elif not options.get("rehearses"):
        act()
