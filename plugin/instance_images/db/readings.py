"""When each location was last read completely. Functions take a connection and never commit."""

from datetime import datetime

import sqlalchemy as sa

from instance_images.db.tables import readings


def last_read_at(connection: sa.Connection, location: str) -> datetime | None:
    """Return the instant of the location's last complete reading, None if there was none."""
    query = sa.select(readings.c.read_at).where(readings.c.location == location)
    return connection.execute(query).scalar_one_or_none()


def last_adopt_mode(connection: sa.Connection, location: str) -> str | None:
    """Return which images the location's last complete reading adopted."""
    query = sa.select(readings.c.adopt).where(readings.c.location == location)
    return connection.execute(query).scalar_one_or_none()


def adopting_since(connection: sa.Connection, location: str, adopt_mode: str) -> datetime | None:
    """Return the first reading that adopted images of this kind; None if none did."""
    query = sa.select(readings.c.adopting_since).where(
        readings.c.location == location, readings.c.adopt == adopt_mode
    )
    return connection.execute(query).scalar_one_or_none()


def set_last_read_at(
    connection: sa.Connection, location: str, read_at: datetime, adopt_mode: str = ""
) -> None:
    """Record a complete reading of the location at ``read_at``; an earlier one is ignored.

    ``adopt_mode``: the images that the reading adopted.
    """
    before = last_read_at(connection, location)
    values = {"read_at": read_at, "adopt": adopt_mode}
    if adopting_since(connection, location, adopt_mode) is None:
        values["adopting_since"] = read_at
    if before is None:
        connection.execute(sa.insert(readings).values(location=location, **values))
    elif before < read_at:
        connection.execute(
            sa.update(readings)
            .where(readings.c.location == location, readings.c.read_at < read_at)
            .values(values)
        )
