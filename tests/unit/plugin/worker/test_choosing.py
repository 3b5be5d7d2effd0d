"""Which of the checks that are due a worker begins."""

from datetime import UTC, datetime, timedelta

from instance_images.db.checks import DueCheck
from instance_images.worker.choosing import choose

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def due(
    name: str,
    location: str = "RegionOne",
    image: str = "",
    instance: str = "",
    claimed_until: datetime | None = None,
) -> DueCheck:
    return DueCheck(
        task_id=name,
        image_id=image or f"image of {name}",
        source_instance_id=instance or f"instance of {name}",
        account_id="a",
        location=location,
        look_at=NOON,
        claimed_until=claimed_until,
    )


def chosen(
    waiting: list[DueCheck], running: list[DueCheck] | None = None, threads: int = 8, most: int = 8
) -> list[str]:
    found = choose(
        waiting, running or [], threads=threads, most_at=lambda _location: most, now=NOON
    )
    return [one.task_id for one in found]


def test_as_many_are_begun_as_threads_are_free() -> None:
    waiting = [due(name) for name in "abcd"]

    assert chosen(waiting, threads=3) == ["a", "b", "c"]
    assert chosen(waiting, [due("x"), due("y")], threads=3) == ["a"]
    assert chosen(waiting, [due("x"), due("y")], threads=2) == []


def test_tasks_of_one_image_or_instance_follow_one_another() -> None:
    waiting = [due("a", image="i"), due("b", image="i"), due("c", instance="vm")]

    assert chosen(waiting) == ["a", "c"]
    assert chosen(waiting, [due("x", instance="vm")]) == ["a"]
    assert chosen(waiting, [due("x", image="i")]) == ["c"]


def test_what_another_worker_has_claimed_is_left_with_all_of_its_image() -> None:
    later, before = NOON + timedelta(seconds=1), NOON

    claimed = due("b", image="i", claimed_until=later)
    assert chosen([due("a", image="i"), claimed, due("c")]) == ["c"]
    assert chosen([due("a", image="i", claimed_until=before), due("c")]) == ["a", "c"]


def test_a_location_holds_its_share_of_the_threads_and_no_more() -> None:
    waiting = [due(name) for name in "abc"] + [due("z", "RegionTwo")]

    assert chosen(waiting, most=2) == ["a", "b", "z"]
    assert chosen(waiting, [due("x"), due("y")], most=2) == ["z"]
