"""Pages tell every item once, of one account alone, and cost the same anywhere."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from instance_images.db import images as image_rows
from instance_images.db import schema
from instance_images.db.accounts import lock_account
from instance_images.db.engine import Database
from instance_images.db.tables import images, tasks
from instance_images.errors import UsageError
from instance_images.images.pages import page_of_images
from instance_images.model.records import Account, ImageStatus, TaskKind, TaskState
from instance_images.model.requests.paging import ImageFilter, Listed, Page, TaskFilter
from instance_images.tasks.pages import page_of_tasks
from instance_images.views.fields import as_json
from instance_images.views.records import IMAGE

from support.worlds.ledger_world import LOCATION, World, at

HERE = [LOCATION.name]
BOTH = [LOCATION.name, "RegionTwo"]


class Archive(World):
    """A world with images of two accounts at two locations, several made in one second."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        with database.writing() as connection:
            for location in BOTH:
                for account_id in ("a", "b"):
                    account = Account(account_id, account_id)
                    key = lock_account(connection, location, account).account_key
                    for number in range(7):
                        self.add(connection, key, f"{account_id}{location[6]}{number}", number)

    def add(self, connection: sa.Connection, key: int, image_id: str, number: int) -> None:
        """Add an image and its task; three are made in each second."""
        now = at("1T10:00") + timedelta(seconds=number // 3)
        connection.execute(
            sa.insert(images).values(
                image_id=image_id, account_key=key, name=f"name {number % 2}", created_at=now,
                source_instance_id=f"vm-{number % 3}", source_instance_name="vm", size_bytes=1,
                status="error" if number == 5 else "deleted" if number == 6 else "available",
                consistency="crash", task_id=f"t-{image_id}", project_id="p",
            )
        )  # fmt: skip
        connection.execute(
            sa.insert(tasks).values(
                task_id=f"t-{image_id}", image_id=image_id, account_key=key, kind="create",
                state="failed" if number == 5 else "succeeded", stage="done", progress=100,
                attempts=1, created_at=now, started_at=now, updated_at=now,
            )
        )  # fmt: skip


@pytest.fixture
def archive(database: Database) -> Archive:
    return Archive(database)


def id_of(item: Any) -> str:
    """Return the id of an image's JSON, or of a task."""
    return str(json.loads(item)["id"] if isinstance(item, str) else item.id)


def ids(read: Callable[[Page], Listed[Any]], page: Page) -> list[str]:
    """Return the ids of all pages from this one on."""
    found: list[str] = []
    while True:
        listed = read(page)
        assert len(listed.items) <= page.limit
        found += [id_of(item) for item in listed.items]
        if listed.next_marker is None:
            return found
        page = replace(page, marker=listed.next_marker)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("is_ascending", [True, False])
def test_pages_tell_every_item_once_in_order(
    archive: Archive, limit: int, is_ascending: bool
) -> None:
    page = Page(limit=limit, is_ascending=is_ascending)
    order = [f"a{where}{number}" for second in ("012", "345", "6")
             for where in "OT" for number in second]  # fmt: skip
    living = [one for one in order if one[2] != "6"]
    everyones = sorted(living + [f"b{one[1:]}" for one in living],
                       key=lambda one: (int(one[2]) // 3, one))  # fmt: skip
    turn = 1 if is_ascending else -1

    def read(of: list[str], account_id: str | None) -> list[str]:
        return ids(lambda page: page_of_images(archive.database, of, account_id, page), page)

    def read_tasks(of: list[str], account_id: str | None) -> list[str]:
        return ids(lambda page: page_of_tasks(archive.database, of, account_id, page), page)

    assert read(BOTH, "a") == living[::turn]
    assert read(HERE, "a") == [one for one in living if one[1] == "O"][::turn]
    assert read(BOTH, None) == everyones[::turn]
    assert read_tasks(BOTH, "a") == [f"t-{one}" for one in order][::turn]
    assert len(read_tasks(BOTH, None)) == len(set(read_tasks(BOTH, None))) == 28
    assert read(BOTH, "nobody") == read_tasks(BOTH, "nobody") == read(["Nowhere"], "a") == []


def test_a_page_shows_an_image_as_it_is_shown_alone(archive: Archive) -> None:
    name = 'a "quoted" \\ name\twith ünïcode, \U0001f4f7 and %s'
    with archive.database.writing() as connection:
        values = {"name": name, "error": "\n", "available_at": at("2T10:00"), "size_bytes": 0}
        is_odd = images.c.image_id == "aO2"
        connection.execute(sa.update(images).where(is_odd).values(values))
        expected = [as_json(IMAGE, image_rows.get_image(connection, f"aO{n}")) for n in range(5)]

    listed = page_of_images(archive.database, HERE, "a", Page(5))

    assert [json.loads(text) for text in listed.items] == expected


def test_filters_are_equalities(archive: Archive) -> None:
    def found(**only: Any) -> list[str]:
        wanted = ImageFilter(**only)
        return ids(lambda p: page_of_images(archive.database, HERE, "a", p, wanted), Page(2))

    def found_tasks(**only: Any) -> list[str]:
        wanted = TaskFilter(**only)
        return ids(lambda p: page_of_tasks(archive.database, HERE, "a", p, wanted), Page(2))

    assert found(status=ImageStatus.ERROR) == ["aO5"]
    assert found(status=ImageStatus.DELETED) == []
    assert found(name="name 1") == ["aO1", "aO3", "aO5"]
    assert found(name="name 1 ") == found(name="NAME 1") == found(name="name%") == []
    assert found(source_instance_id="vm-0", name="name 1") == ["aO3"]
    assert found_tasks(state=TaskState.FAILED) == ["t-aO5"]
    assert found_tasks(kind=TaskKind.DELETE) == found_tasks(image_id="bO0") == []
    assert found_tasks(image_id="aO6", kind=TaskKind.CREATE) == ["t-aO6"]


@pytest.mark.parametrize("marker", ["bO0", "aT0", "nobody's", "", "' OR 1=1 --"])
def test_a_marker_that_is_not_the_accounts_own_there_looks_unknown(
    archive: Archive, marker: str
) -> None:
    with pytest.raises(UsageError) as told:
        page_of_images(archive.database, HERE, "a", Page(marker=marker))
    with pytest.raises(UsageError) as told_of_task:
        page_of_tasks(archive.database, HERE, "a", Page(marker=f"t-{marker}"))

    said = (
        "is not the id of an item of this list: give the id of the last item of the previous page."
    )
    assert str(told.value) == f"The marker {marker!r} {said}"
    assert str(told_of_task.value) == f"The marker {'t-' + marker!r} {said}"


def test_an_image_that_is_deleted_meanwhile_is_a_marker_still(archive: Archive) -> None:
    listed = page_of_images(archive.database, HERE, "a", Page(2, marker="aO6", is_ascending=False))

    assert [id_of(image) for image in listed.items] == ["aO5", "aO4"]


def test_the_tasks_of_an_image_follow_it_to_its_next_owner(archive: Archive) -> None:
    def give(connection: sa.Connection) -> None:
        image = image_rows.get_image(connection, "aO0")
        key = lock_account(connection, LOCATION.name, Account("b", "b")).account_key
        assert image_rows.update_state(
            connection, image, account_key=key, project_id="b", size_bytes=1,
            virtual_size_bytes=None,
        )  # fmt: skip

    archive.database.write(give)

    def listed(account_id: str) -> list[str]:
        found = page_of_tasks(archive.database, HERE, account_id, Page(limit=50))
        return [task.id for task in found.items]

    assert "t-aO0" in listed("b")
    assert "t-aO0" not in listed("a")


def test_tasks_of_an_older_schema_get_their_account(archive: Archive) -> None:
    archive.capture("1T12:00", account="a")
    before = page_of_tasks(archive.database, HERE, "a", Page(limit=50))

    schema.downgrade(archive.database, "0012")
    schema.upgrade(archive.database)

    assert len(before.items) == 8
    after = page_of_tasks(archive.database, HERE, "a", Page(limit=50))
    # An older schema has no request ids.
    assert after.items == [replace(task, request_id=None) for task in before.items]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("account_id", ["a", None])
def test_a_page_is_read_along_an_index(archive: Archive, account_id: str | None) -> None:
    plans: list[str] = []

    @event.listens_for(archive.database.engine, "before_cursor_execute")
    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in cursor.fetchall())

    page_of_images(archive.database, BOTH, account_id, Page(2, marker="aO1"))
    page_of_tasks(archive.database, BOTH, account_id, Page(2, marker="t-aO1"))

    read = [plan for plan in plans if "images" in plan or "tasks" in plan]
    assert any("created_at_image_id" in plan for plan in read)
    assert any("created_at_task_id" in plan for plan in read)
    assert not [plan for plan in read if plan.startswith("SCAN") and "INDEX" not in plan]
