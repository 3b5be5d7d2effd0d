"""Sums are exact to the last digit on every database, whatever their integers are."""

import sqlalchemy as sa

from instance_images.db.engine import Database
from instance_images.db.exact import ExactInteger, ExactSum

HIGHEST = 2**63 - 1
SUMMED = {
    "nothing": [],
    "null": [None, None],
    "zero": [0],
    "below_zero": [-1, -(2**32), 5, None],
    "longest_that_fit": [10**18 - 1] * 40,
    "about_64_bits": [HIGHEST, HIGHEST + 1, -HIGHEST - 1, -HIGHEST - 2, -1],
    "longer": [10**36, 7, -(10**30), -3, 2**64],
    "only_longer": [-(10**20), 10**19],
}


def test_sums_of_integers_around_and_beyond_64_bits_are_exact(database: Database) -> None:
    table = sa.Table(
        "summed", sa.MetaData(), sa.Column("name", sa.String(40)), sa.Column("n", ExactInteger())
    )
    rows = [{"name": name, "n": number} for name, numbers in SUMMED.items() for number in numbers]
    with database.writing() as connection:
        table.create(connection)
        try:
            connection.execute(sa.insert(table), rows)
            sums = sa.select(table.c.name, ExactSum(table.c.n)).group_by(table.c.name)
            by_name = dict(connection.execute(sums).all())
            of_none = connection.execute(
                sa.select(ExactSum(table.c.n)).where(table.c.name == "nothing")
            ).scalar_one()
        finally:
            table.drop(connection)

    assert of_none is None
    assert by_name == {
        name: sum(n for n in numbers if n is not None) if numbers != [None, None] else None
        for name, numbers in SUMMED.items()
        if numbers
    }
