"""What the image service tells by itself is known to the second; told again, it changes nothing."""

import tempfile
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instance_images.db import cloud_images as images_in_cloud
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.errors import CloudUnavailable
from instance_images.events.notifications import take_notice
from instance_images.events.unconfirmed import IN_VAIN, IN_VAIN_FOR_OWNER, Doubt, Watch
from instance_images.images.capture import capture
from instance_images.model.cloud import Claims, CloudImage, CloudImageStatus, Notice, NoticeKind
from instance_images.model.records import Image, ImageStatus, Origin
from instance_images.tasks.settling import settle

from support.clouds.memory_cloud import GB
from support.worlds.adoption_world import SHELF, SNAPSHOT, Cloud, on_sqlite
from support.worlds.ledger_world import LOCATION, at

ACTIVE, CHANGED, DELETED = NoticeKind.ACTIVE, NoticeKind.CHANGED, NoticeKind.DELETED


class Told(Cloud):
    """A world in which the image service tells what happens; ``asked``: the ids it is asked for."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.watch = Watch(LOCATION.name, self.clock)
        self.asked: list[str] = []
        get_image = self.cloud.get_image

        def counting(image_id: str) -> CloudImage | None:
            self.asked.append(image_id)
            return get_image(image_id)

        self.cloud.get_image = counting  # type: ignore[method-assign]

    def told(self, *, at_once: bool = False) -> str:
        """Return what the watch reports now."""
        said: list[str] = []
        self.watch.report(said.append, at_once=at_once)
        return " ".join(said)

    def tell(self, when: str, kind: NoticeKind, image: CloudImage, happened: str) -> list[str]:
        """Have a notice arrive at an instant; return what was new by it, in short."""
        self.clock.now = at(when)
        told = replace(image, changed_at=at(happened))
        notice = Notice(kind, told, at(happened))
        return [one.event for one in take_notice(self.site, notice, self.watch)]

    def remove(self, image: CloudImage) -> None:
        """Delete the image without us."""
        del self.cloud.images[image.id]

    def billed_seconds(self, account: str = "a") -> int:
        """Return the GB-seconds that are posted for an account, corrections and all."""
        posted = sum(p.byte_seconds for p in self.postings(account))
        return (posted + sum(a.byte_seconds for a in self.adjustments(account))) // GB

    def record(self, image: CloudImage) -> Image | None:
        """Return what is on record of the image, deleted or not."""
        with self.database.reading() as connection:
            return images_in_cloud.find_by_cloud_id(connection, LOCATION.name, image.id)


@pytest.fixture
def world(database: Database) -> Told:
    made = Told(database)
    made.set_rate()
    made.adopt("snapshots")
    made.run("1T10:00")
    return made


def test_a_foreign_image_is_billed_from_the_second_at_which_it_became_active(world: Told) -> None:
    found = world.put("1T10:20")

    assert world.tell("1T10:20:01", ACTIVE, found, "1T10:20") == ["adopted"]

    world.run("1T11:05")
    assert world.seconds("a") == {"1T10:00": 2400}
    assert world.adjustments() == []


def test_a_notice_that_comes_again_changes_nothing(world: Told) -> None:
    found = world.put("1T10:20")
    world.tell("1T10:21", ACTIVE, found, "1T10:20")
    world.remove(found)
    world.tell("1T10:31", DELETED, found, "1T10:30")

    assert world.tell("1T10:32", ACTIVE, found, "1T10:20") == []
    assert world.tell("1T10:33", DELETED, found, "1T10:30") == []

    world.run("1T11:05")
    assert world.billed_seconds() == 600


def test_an_image_deleted_behind_our_back_is_billed_to_the_second_of_its_end(world: Told) -> None:
    found = world.put("1T10:20")
    world.run("1T11:00")
    world.remove(found)

    assert world.tell("1T11:40:10", DELETED, found, "1T11:40:09") == ["deleted"]

    world.run("1T12:05")
    assert world.seconds("a") == {"1T10:00": 2400, "1T11:00": 2409}


def test_a_notice_after_the_reading_corrects_the_end_that_could_only_be_guessed(
    world: Told,
) -> None:
    found = world.put("1T10:00")
    world.run("1T11:00")
    world.remove(found)
    world.run("1T12:05")  # it was seen last at 11:00

    assert world.tell("1T12:10", DELETED, found, "1T11:40") == ["deleted"]

    world.run("1T13:05")
    assert world.billed_seconds() == 3600 + 2400
    assert [one.author for one in world.adjustments("a")] == ["notice"]


@on_sqlite
def test_a_notice_after_the_reading_corrects_the_begin_that_its_owner_has_blurred(
    world: Told,
) -> None:
    found = world.put("1T10:20")
    world.cloud.images[found.id] = replace(found, changed_at=at("1T10:50"))
    world.run("1T11:05")

    assert world.tell("1T11:10", ACTIVE, found, "1T10:20") == ["available"]

    world.run("1T12:00")
    assert world.billed_seconds() == 2400 + 3600


@on_sqlite
@pytest.mark.parametrize(
    ("mode", "news", "billed"), [("snapshots", [], 0), ("private", ["adopted"], 2400)]
)
def test_which_images_are_adopted_rests_on_what_the_image_service_has(
    mode: str, news: list[str], billed: int, world: Told
) -> None:
    world.adopt(mode)
    world.run("1T10:10")
    found = world.put("1T10:20")
    world.cloud.images[found.id] = replace(found, claims=Claims(), changed_at=at("1T10:20:02"))

    assert world.tell("1T10:20:05", ACTIVE, found, "1T10:20") == news

    world.run("1T11:00")
    assert world.billed_seconds() == billed


@on_sqlite
def test_an_image_that_the_image_service_does_not_have_is_charged_to_nobody(
    world: Told, caplog: pytest.LogCaptureFixture
) -> None:
    forged = replace(world.put("1T10:20"), id="never-was", size_bytes=10**15)

    assert world.tell("1T11:10", ACTIVE, forged, "1T10:20") == []
    assert world.tell("1T11:10", DELETED, forged, "1T10:35") == []

    assert "image never-was, which is neither in the image service" in caplog.text
    world.run("1T12:05")
    assert world.billed_seconds() == 3600 + 2400  # the other image, of the same project


@on_sqlite
def test_what_is_not_confirmed_is_reported_at_most_once_a_minute(world: Told) -> None:
    found = world.put("1T10:20")
    ghost = replace(found, id="never-was")

    world.tell("1T11:10", ACTIVE, ghost, "1T10:20")
    first = world.told()
    world.tell("1T11:10:10", ACTIVE, replace(ghost, id="nor\x1b[31m-this"), "1T10:20")
    world.tell("1T11:10:20", ACTIVE, replace(found, owner_id="b"), "1T10:20")
    world.tell("1T11:10:30", DELETED, found, "1T10:20")
    world.watch.doubt(Doubt.UNREADABLE)

    assert "since 2026-11-01T11:10:00Z" in first
    assert "1 about images that the image service does not have (such as image never-was)" in first
    assert "they may be forged" in first
    assert world.told() == ""
    world.clock.now = at("1T11:11:05")
    second = world.told()
    for part in (
        "1 about images that the image service does not have",
        "1 with another owner than the image service names",
        "1 about the deletion of images that are still there",
        "1 that cannot be read",
        "(such as image nor[31m-this)",
    ):
        assert part in second
    assert world.told(at_once=True) == ""


@on_sqlite
def test_flood_of_forged_ids_costs_few_requests_and_holds_up_no_image_on_record(
    world: Told,
) -> None:
    known = world.put("1T10:20")
    world.tell("1T10:21", ACTIVE, known, "1T10:20")
    world.asked.clear()

    for number in range(2 * IN_VAIN):
        ghost = replace(known, id=f"ghost-{number}", owner_id=f"project-{number}")
        world.tell("1T11:00", ACTIVE, ghost, "1T10:59")
    new = world.put("1T10:59")
    left = world.tell("1T11:00:30", ACTIVE, new, "1T10:59")
    in_flood = len(world.asked)
    world.remove(known)

    assert (in_flood, left) == (IN_VAIN, [])
    assert world.tell("1T11:00:40", DELETED, known, "1T11:00:35") == ["deleted"]
    assert world.tell("1T11:01:10", ACTIVE, new, "1T10:59") == ["adopted"]  # the minute is over
    assert f"{IN_VAIN + 1} not checked, because too many others were not confirmed" in world.told()


@on_sqlite
def test_owner_whose_images_are_forged_holds_up_no_other_owner(world: Told) -> None:
    mine, others = world.put("1T10:20"), world.put("1T10:20", "b")
    world.tell("1T10:21", ACTIVE, mine, "1T10:20")
    world.asked.clear()

    for _ in range(2 * IN_VAIN_FOR_OWNER):
        world.tell("1T11:00", DELETED, mine, "1T10:59")  # it is there
        world.tell("1T11:00", ACTIVE, replace(mine, id="ghost"), "1T10:59")

    assert len(world.asked) == 2 * IN_VAIN_FOR_OWNER
    assert world.tell("1T11:00:30", ACTIVE, others, "1T10:20") == ["adopted"]
    world.remove(mine)
    assert world.tell("1T11:00:40", DELETED, mine, "1T11:00:30") == []
    world.run("1T11:05")  # what was left out, a reading finds
    assert [len(world.held(account)) for account in "ab"] == [0, 1]


@on_sqlite
def test_a_false_owner_and_size_change_nothing(world: Told) -> None:
    found = world.put("1T10:20")
    world.cloud.images[found.id] = replace(found, changed_at=at("1T10:50"))
    forged = replace(found, owner_id="b", size_bytes=10**15)

    assert world.tell("1T10:55", ACTIVE, forged, "1T10:30") == ["adopted"]  # as it really is
    assert world.tell("1T11:10", ACTIVE, forged, "1T10:20") == []
    world.run("1T12:05")
    assert world.tell("1T12:10", ACTIVE, forged, "1T10:20") == []
    assert world.tell("1T12:10", CHANGED, forged, "1T10:20") == []

    [image] = world.held()
    assert (image.size_bytes, image.available_at) == (GB, at("1T10:30"))
    assert world.billed_seconds("b") == 0
    assert world.billed_seconds() == 1800 + 3600


@on_sqlite
@pytest.mark.parametrize("happened", ["1T09:00", "3T10:00"])
def test_a_false_time_is_held_between_creation_and_last_change(happened: str, world: Told) -> None:
    found = replace(world.put("1T10:20"), changed_at=at("1T10:40"))
    world.cloud.images[found.id] = found

    world.tell("1T10:45", ACTIVE, found, happened)

    [image] = world.held()
    assert image.available_at in (at("1T10:20"), at("1T10:40"))


@on_sqlite
def test_a_false_end_is_held_between_the_readings_that_saw_and_missed_the_image(
    world: Told,
) -> None:
    early, late = world.put("1T10:20"), world.put("1T10:20")
    world.run("1T11:05")
    world.remove(early)
    world.tell("1T11:30", DELETED, early, "1T10:25")  # it was seen at 11:05
    world.remove(late)
    world.run("1T12:05")
    world.run("1T15:05")

    world.tell("1T15:10", DELETED, late, "1T15:00")  # it was missed at 12:05

    ends = {image.deleted_at for one in (early, late) if (image := world.record(one))}
    assert ends == {at("1T11:05"), at("1T12:05")}


@on_sqlite
def test_an_image_from_before_such_images_were_adopted_is_not_billed_for_that(
    world: Told,
) -> None:
    world.adopt("none")
    world.run("1T11:00")
    early, short = world.put("1T11:20"), world.put("1T11:20")
    world.remove(short)
    world.adopt("snapshots")
    world.run("1T11:40")

    assert world.tell("1T11:50", ACTIVE, early, "1T11:20") == []
    assert world.tell("1T11:50", ACTIVE, short, "1T11:20") == []

    world.run("1T12:00")
    assert world.billed_seconds() == 1200


@on_sqlite
@pytest.mark.parametrize(
    "values",
    [{"is_public": True}, {"owner_id": "operator"}, {"claims": Claims()}, {"size_bytes": 0}],
)
def test_what_the_policy_leaves_out_a_notice_does_not_bring_in(
    values: dict[str, object], world: Told
) -> None:
    world.adopt("snapshots", "operator")
    found = world.put("1T10:20", **{"owner": "a", **_renamed(values)})

    assert world.tell("1T10:21", ACTIVE, found, "1T10:20") == []


def _renamed(values: dict[str, object]) -> dict[str, object]:
    names = {"owner_id": "owner", "size_bytes": "size"}
    return {names.get(name, name): value for name, value in values.items()}


@on_sqlite
def test_the_disk_of_a_shelved_instance_is_not_adopted_also_if_it_is_gone_again(
    world: Told,
) -> None:
    world.cloud.shelved_instances = {"vm": "a"}
    shelf = world.put("1T10:20", claims=SHELF)
    assert world.tell("1T10:21", ACTIVE, shelf, "1T10:20") == []

    world.cloud.shelved_instances = {}
    world.remove(shelf)
    assert world.tell("1T10:40", ACTIVE, shelf, "1T10:20") == []


@on_sqlite
def test_a_notice_that_the_image_service_does_not_confirm_deletes_nothing(world: Told) -> None:
    found = world.put("1T10:20")
    world.tell("1T10:21", ACTIVE, found, "1T10:20")

    assert world.tell("1T10:30", DELETED, found, "1T10:29") == []

    assert [image.status for image in world.held()] == [ImageStatus.AVAILABLE]


@on_sqlite
def test_an_image_given_to_another_project_is_billed_to_it_from_that_second(world: Told) -> None:
    found = world.put("1T10:00")
    world.run("1T10:05")
    given = replace(found, owner_id="b", name="b's", changed_at=at("1T10:45"))
    world.cloud.images[found.id] = given

    assert world.tell("1T10:46", CHANGED, given, "1T10:45") == ["changed", "renamed"]
    assert world.tell("1T10:47", CHANGED, given, "1T10:45") == []

    world.run("1T11:05")
    assert (world.billed_seconds("a"), world.billed_seconds("b")) == (2700, 900)


@on_sqlite
def test_a_begin_is_not_corrected_once_the_image_has_another_owner(world: Told) -> None:
    found = world.put("1T10:00", "a")
    touched = replace(found, changed_at=at("1T10:30"))
    world.cloud.images[found.id] = touched
    world.run("1T11:05")
    given = replace(found, owner_id="b", changed_at=at("1T11:30"))
    world.cloud.images[found.id] = given
    world.run("1T12:05")

    assert world.tell("1T12:10", ACTIVE, found, "1T10:00") == []

    world.run("1T13:00")
    assert (world.billed_seconds("a"), world.billed_seconds("b")) == (3600, 5400)


def test_our_own_capture_is_available_as_soon_as_it_is_told(world: Told) -> None:
    world.clock.now = at("1T10:10")
    request = capture(world.site, world.cloud.account("a"), "vm", "ours")
    world.cloud.activate(GB, at("1T10:12"))
    [found] = world.cloud.images.values()

    assert world.tell("1T10:13", ACTIVE, found, "1T10:12") == ["available"]

    [image] = world.held()
    assert (image.id, image.available_at) == (request.image_id, at("1T10:12"))
    assert (image.origin, image.status) == (Origin.CAPTURED, ImageStatus.AVAILABLE)


@on_sqlite
def test_a_capture_whose_answer_was_lost_is_found_by_its_notice(world: Told) -> None:
    world.clock.now = at("1T10:10")
    world.cloud.loses_answers = True
    with pytest.raises(CloudUnavailable):
        capture(world.site, world.cloud.account("a"), "vm", "ours")
    world.cloud.activate(GB, at("1T10:12"))
    [found] = world.cloud.images.values()
    stolen = world.put("1T10:12", "b", claims=found.claims)

    assert world.tell("1T10:13", ACTIVE, stolen, "1T10:12") == ["adopted"]
    assert world.tell("1T10:13", ACTIVE, found, "1T10:12") == ["available"]

    assert [image.cloud_image_id for image in world.held()] == [found.id]
    assert [image.cloud_image_id for image in world.held("b")] == [stolen.id]


@on_sqlite
def test_a_capture_that_was_settled_late_is_billed_from_when_it_was_active(world: Told) -> None:
    world.clock.now = at("1T10:10")
    capture(world.site, world.cloud.account("a"), "vm", "ours")
    world.cloud.activate(GB, at("1T10:12"))
    [found] = world.cloud.images.values()
    world.cloud.images[found.id] = replace(found, changed_at=at("1T10:40"))  # its owner's work
    world.clock.now = at("1T10:41")
    settle(world.site, "a")

    assert world.tell("1T10:42", ACTIVE, found, "1T10:12") == ["available"]

    world.run("1T11:00")
    assert world.seconds("a") == {"1T10:00": 48 * 60}


@on_sqlite
def test_a_capture_whose_image_is_deleted_behind_our_back_is_an_error_at_once(
    world: Told,
) -> None:
    world.clock.now = at("1T10:10")
    capture(world.site, world.cloud.account("a"), "vm", "ours")
    [found] = world.cloud.images.values()
    world.remove(found)

    assert world.tell("1T10:11", DELETED, found, "1T10:10:30") == ["create failed"]

    [image] = world.held()
    assert image.status is ImageStatus.ERROR


@on_sqlite
def test_our_own_deletion_stays_dated_by_its_answer(world: Told) -> None:
    image_id = world.capture("1T10:10")
    [found] = world.cloud.images.values()
    world.delete("1T10:30", image_id)

    assert world.tell("1T10:31", DELETED, found, "1T10:30:02") == []

    world.run("1T11:00")
    assert world.seconds("a") == {"1T10:00": 1200}


@on_sqlite
def test_a_deletion_whose_answer_was_lost_is_dated_by_its_notice(world: Told) -> None:
    image_id = world.capture("1T10:10")
    [found] = world.cloud.images.values()
    world.cloud.fails_after_deletion = True
    with pytest.raises(CloudUnavailable):
        world.delete("1T10:30", image_id)

    assert world.tell("1T10:31", DELETED, found, "1T10:30:20") == ["deleted"]

    world.run("1T11:00")
    assert world.seconds("a") == {"1T10:00": 1220}


@on_sqlite
def test_a_notice_is_given_again_where_the_cloud_cannot_be_asked(world: Told) -> None:
    found = world.put("1T10:20")
    world.cloud.is_down = True
    with pytest.raises(CloudUnavailable):
        world.tell("1T10:21", ACTIVE, found, "1T10:20")
    world.cloud.is_down = False

    assert world.tell("1T10:30", ACTIVE, found, "1T10:20") == ["adopted"]


@on_sqlite
def test_a_notice_about_an_image_that_is_nobodys_concern_is_passed_over(world: Told) -> None:
    known = world.put("1T10:20")

    assert world.tell("1T10:21", CHANGED, known, "1T10:20") == []
    assert world.tell("1T10:21", DELETED, known, "1T10:20") == []
    saving = replace(known, status=CloudImageStatus.SAVING, size_bytes=None)
    world.cloud.images[known.id] = saving
    assert world.tell("1T10:21", ACTIVE, known, "1T10:20") == []


# ------------------------------------------------------------------------ in any order


@dataclass(frozen=True)
class Life:
    """An image: the seconds at which it begins and ends, and how late each of that is told."""

    begins: int
    lasts: int
    begin_told_after: int
    end_told_after: int
    again_after: int


lives = st.builds(
    Life,
    begins=st.integers(1, 8 * 3600),
    lasts=st.integers(0, 5 * 3600),
    begin_told_after=st.integers(0, 4 * 3600),
    end_told_after=st.integers(0, 4 * 3600),
    again_after=st.integers(0, 4 * 3600),
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(lives, min_size=1, max_size=4), st.lists(st.integers(1, 86400), max_size=12))
def test_however_late_notices_come_each_image_that_was_seen_is_billed_for_its_life(
    told: list[Life], runs: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = Database(f"sqlite:///{Path(directory) / 'ledger.db'}")
        upgrade(database)
        world = Told(database)
        world.set_rate()
        world.adopt("private")
        world.run("1T00:00")
        play(world, told, runs)

        world.run("3T00:00")

        assert world.billed_seconds() == sum(life.lasts for life in told if was_seen(life, runs))
        database.engine.dispose()


def was_seen(life: Life, runs: list[int]) -> bool:
    """Return whether anybody looked while the image was there: a run, or for its notification."""
    looks = [*runs, life.begins + life.begin_told_after]
    return any(life.begins <= second < life.begins + life.lasts for second in looks)


def play(world: Told, told: list[Life], runs: list[int]) -> None:
    """Let everything happen in the order of time, and of what happens at once in its own."""
    found: dict[int, CloudImage] = {}
    steps = [(second, 3, -1, "run") for second in runs]
    for number, life in enumerate(told):
        end = life.begins + life.lasts
        begin_told = life.begins + life.begin_told_after
        end_told = max(begin_told, end + life.end_told_after)
        steps += [(life.begins, 0, number, "put"), (end, 1, number, "remove")]
        steps += [(begin_told, 2, number, "active"), (end_told, 3, number, "deleted")]
        again = end_told + life.again_after
        steps += [(again, 4, number, "active"), (again, 5, number, "deleted")]
    for second, _, number, what in sorted(steps):
        now = at("1T00:00") + timedelta(seconds=second)
        world.clock.now = now
        if what == "run":
            world.run(now)
        elif what == "put":
            found[number] = world.cloud.put("a", GB, claims=SNAPSHOT)
        elif what == "remove":
            world.remove(found[number])
        else:
            take_notice(world.site, _notice(told[number], found[number], what))


def _notice(life: Life, image: CloudImage, what: str) -> Notice:
    second = life.begins if what == "active" else life.begins + life.lasts
    happened_at: datetime = at("1T00:00") + timedelta(seconds=second)
    return Notice(NoticeKind(what), replace(image, changed_at=happened_at), happened_at)
