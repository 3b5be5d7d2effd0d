"""A notification whose image the image service does not answer for waits; the others go on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from instance_images.db import notices
from instance_images.db.engine import Database
from instance_images.errors import CloudUnavailable, Refused
from instance_images.events import postponing
from instance_images.events.postponing import Postponing
from instance_images.events.unconfirmed import Doubt, Watch
from instance_images.model.cloud import CloudImage, Notice, NoticeKind

from support.worlds.adoption_world import Cloud, on_sqlite
from support.worlds.ledger_world import LOCATION, at

ACTIVE, DELETED = NoticeKind.ACTIVE, NoticeKind.DELETED


class Faulty(Cloud):
    """A world whose image service fails for some images, or, ``is_down``, for all."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.failing: set[str] = set()
        self.is_down = False
        self.asked: list[str] = []
        self.warnings: list[str] = []
        self.watch = Watch(LOCATION.name, self.clock)
        self.postponing = Postponing(lambda: self.site, self.watch, self.warnings.append)
        get_image = self.cloud.get_image

        def failing(image_id: str) -> CloudImage | None:
            self.asked.append(image_id)
            if self.is_down or image_id in self.failing:
                raise CloudUnavailable("Glance answers 500.")
            return get_image(image_id)

        self.cloud.get_image = failing  # type: ignore[method-assign]

    def tell(self, image: CloudImage, kind: NoticeKind = ACTIVE, happened: str = "") -> list[str]:
        """Have a notification arrive now; raises where it is to be given again."""
        happened_at = at(happened) if happened else image.changed_at
        news = self.postponing.take(self.site, Notice(kind, image, happened_at))
        return [one.event for one in news]

    def retry(self, when: str) -> list[str]:
        """Let what waits be tried again at an instant; return what was new."""
        self.clock.now = at(when)
        news: list[str] = []
        self.postponing.retry(lambda one: news.append(one.event))
        return news

    def waiting(self) -> int:
        with self.database.reading() as connection:
            found = notices.waiting(connection, LOCATION.name)
        return found.count if found else 0

    def postpone(self, image: CloudImage) -> None:
        """Have a notification arrive until it waits."""
        for _ in range(postponing.ATTEMPTS - 1):
            with pytest.raises(CloudUnavailable):
                self.tell(image)
        assert self.tell(image) == []


@pytest.fixture
def world(database: Database) -> Faulty:
    made = Faulty(database)
    made.set_rate()
    made.adopt("snapshots")
    made.run("1T10:00")
    return made


def test_image_that_is_not_answered_for_keeps_no_other_notification_waiting(world: Faulty) -> None:
    bad = world.put("1T10:20")
    world.failing.add(bad.id)

    world.postpone(bad)

    good = world.put("1T10:21")
    assert world.tell(good) == ["adopted"]
    assert [one for one in world.warnings if bad.id in one and "every 5 minutes" in one]
    world.failing.clear()
    assert world.retry("1T10:40") == ["adopted"]
    assert world.waiting() == 0
    world.run("1T11:05")
    assert world.seconds("a") == {"1T10:00": 40 * 60 + 39 * 60}  # both as if told at once


@on_sqlite
def test_others_between_two_attempts_do_not_keep_it_from_waiting(world: Faulty) -> None:
    bad = world.put("1T10:20")
    world.failing.add(bad.id)

    for _ in range(postponing.ATTEMPTS - 1):
        with pytest.raises(CloudUnavailable):
            world.tell(bad)
        assert world.tell(world.put("1T10:21")) == ["adopted"]

    assert world.tell(bad) == []
    assert world.waiting() == 1


@on_sqlite
def test_nothing_is_postponed_while_the_image_service_answers_for_no_image(world: Faulty) -> None:
    image = world.put("1T10:20")
    world.is_down = True

    for _ in range(10):
        with pytest.raises(CloudUnavailable):
            world.tell(image)

    assert world.waiting() == 0
    world.is_down = False
    assert world.tell(image) == ["adopted"]


@on_sqlite
def test_what_follows_about_an_image_that_waits_waits_at_once_and_in_order(world: Faulty) -> None:
    image = world.put("1T10:20")
    world.failing.add(image.id)
    world.postpone(image)
    adopted = world.sync("1T10:30")  # lists give what the image alone does not
    del world.cloud.images[image.id]

    assert world.tell(image, DELETED, "1T10:31") == []

    assert adopted
    assert world.waiting() == 2
    assert world.retry("1T10:32") == []
    world.failing.clear()
    assert world.retry("1T10:37") == ["deleted"]  # the first tells nothing new
    world.run("1T11:05")
    assert world.seconds("a") == {"1T10:00": 11 * 60}


@on_sqlite
def test_image_that_waits_is_asked_for_once_in_five_minutes_and_given_up_after_a_week(
    world: Faulty,
) -> None:
    image = world.put("1T10:20")
    world.failing.add(image.id)
    world.postpone(image)
    asked = len(world.asked)

    for when in ("1T10:30", "1T10:31", "1T10:34:59", "1T10:35"):
        world.retry(when)

    assert len(world.asked) == asked + 2
    assert world.waiting() == 1
    world.retry("8T10:21")
    assert world.waiting() == 0
    assert "gave up a notification" in world.warnings[-1]


@on_sqlite
def test_notifications_that_wait_are_bounded(
    world: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "MAX_POSTPONED", 1)
    first, second = world.put("1T10:20"), world.put("1T10:21")
    world.failing |= {first.id, second.id}
    world.postpone(replace(first, owner_id="o" * 100))  # no owner's id is so long
    assert world.waiting() == 0
    world.postpone(first)

    world.postpone(second)

    assert world.waiting() == 1
    assert "too many wait already" in world.warnings[-1]


@on_sqlite
def test_fault_of_many_images_costs_a_bounded_number_of_requests(world: Faulty) -> None:
    for _ in range(30):
        image = world.put("1T10:20")
        world.failing.add(image.id)
        world.postpone(image)
    asked = len(world.asked)

    world.retry("1T10:40")

    assert len(world.asked) - asked == postponing._IMAGES_AT_A_TIME
    assert world.waiting() == 30
    world.failing.discard(image.id)  # the last of them: the first do not keep it from its turn
    assert [world.retry(f"1T10:{minute}") for minute in (45, 50)] == [[], ["adopted"]]


def test_counts_of_what_is_not_confirmed_are_recorded_and_add_up(world: Faulty) -> None:
    def save() -> None:
        now = world.clock()
        world.watch.save(
            lambda reasons: world.database.write(
                lambda connection: notices.count(connection, LOCATION.name, reasons, now)
            )
        )

    world.watch.doubt(Doubt.UNKNOWN, "x")
    world.watch.doubt(Doubt.UNKNOWN, "y")
    save()
    world.clock.now += timedelta(minutes=1)
    world.watch.doubt(Doubt.UNKNOWN, "z")
    world.watch.doubt(Doubt.STILL_THERE, "z")
    save()
    save()

    with world.database.reading() as connection:
        found = notices.counts(connection, LOCATION.name)
    assert [(one.reason, one.count) for one in found] == [("still_there", 1), ("unknown", 3)]
    assert {one.last_at for one in found} == {world.clock.now}


@on_sqlite
def test_what_the_image_service_refuses_to_show_is_counted(
    world: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_image_id: str) -> None:
        raise Refused("HTTP 403")

    monkeypatch.setattr(world.cloud, "get_image", refuse)
    with pytest.raises(Refused):
        world.tell(world.put("1T10:20"))

    saved: list[dict[str, int]] = []
    world.watch.save(lambda reasons: saved.append(dict(reasons)))
    assert saved == [{"refused": 1}]


@on_sqlite
def test_counts_that_cannot_be_recorded_are_recorded_later(world: Faulty) -> None:
    world.watch.doubt(Doubt.UNREADABLE)

    def refuse(_reasons: object) -> None:
        raise CloudUnavailable("not now")

    with pytest.raises(CloudUnavailable):
        world.watch.save(refuse)

    saved: list[dict[str, int]] = []
    world.watch.save(lambda reasons: saved.append(dict(reasons)))
    assert saved == [{"unreadable": 1}]
