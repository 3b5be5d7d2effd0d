"""What comes next in the capture of a volume, and what an ended capture has left behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from instance_images.drivers.openstack.cinder import is_carried
from instance_images.model import capture_journal
from instance_images.model.capture_journal import Step
from instance_images.model.cloud import (
    CapturePart,
    CloudImage,
    CloudImageStatus,
    PartKind,
    PartStatus,
    RootVolume,
)
from instance_images.model.outcomes import GRACE, Available, Continues, Failed
from instance_images.model.records import (
    Consistency,
    Image,
    ImageStatus,
    Origin,
    Task,
    TaskKind,
    TaskState,
)
from instance_images.model.volume_capture import (
    LATE,
    Ask,
    Clean,
    Complete,
    Remove,
    Seen,
    Watch,
    fault_of_upload,
    is_given_up,
    next_of_leftovers,
    next_of_volume_capture,
    own_parts,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
GIB = 2**30
EMPTY = capture_journal.of_volume(RootVolume("root", 1, False, 64), "raw")


def task(written: dict[str, Any], state: TaskState = TaskState.RUNNING) -> Task:
    return Task(
        id="task",
        kind=TaskKind.CREATE,
        image_id="image",
        state=state,
        stage="requested",
        progress=0,
        attempts=1,
        error=None,
        created_at=NOON,
        updated_at=NOON,
        started_at=NOON,
        server_id=None,
        project_id="a",
        stage_began_at=NOON,
        journal=written,
    )


def part(kind: PartKind, status: PartStatus, word: str = "word") -> CapturePart:
    return CapturePart(kind=kind, id=f"the {kind}", status=status, word=word)


def in_glance(status: CloudImageStatus, size: int | None = GIB) -> CloudImage:
    return CloudImage(
        id="cloud",
        name="n",
        owner_id="a",
        status=status,
        size_bytes=size,
        virtual_size_bytes=GIB,
        min_disk_gib=0,
        min_ram_mib=0,
        changed_at=NOON,
        checksum="sum",
    )


def following(written: dict[str, Any], *parts: CapturePart, image: CloudImage | None = None) -> Any:
    return next_of_volume_capture(task(written), Seen(parts, image), NOON + GRACE / 2)


def test_the_snapshot_is_the_first_thing_and_is_made_of_the_root_volume() -> None:
    assert following(EMPTY) == Ask(Step.SNAPSHOT, "root")


def test_each_step_is_asked_for_when_the_one_before_is_ready() -> None:
    snapshot = part(PartKind.SNAPSHOT, PartStatus.READY)
    volume = part(PartKind.VOLUME, PartStatus.READY)

    assert following(EMPTY, snapshot) == Ask(Step.VOLUME, "the snapshot")
    assert following(EMPTY, snapshot, volume) == Ask(Step.UPLOAD, "the volume")


def test_the_stage_is_the_clouds_own_word_for_what_is_being_made() -> None:
    snapshot = part(PartKind.SNAPSHOT, PartStatus.WORKING, "creating")
    volume = part(PartKind.VOLUME, PartStatus.WORKING, "uploading")

    assert following(EMPTY, snapshot) == Continues("snapshot creating", 10)
    assert following(EMPTY, snapshot, volume) == Continues("volume uploading", 30)
    assert following(EMPTY, image=in_glance(CloudImageStatus.SAVING)) == Continues(
        "image saving", 60
    )


def test_what_was_asked_for_just_now_is_not_asked_for_again_until_nobody_waits_for_it() -> None:
    asked = capture_journal.asked(EMPTY, Step.SNAPSHOT, NOON)

    assert isinstance(following(asked), Continues)
    assert next_of_volume_capture(task(asked), Seen((), None), NOON + GRACE) == Ask(
        Step.SNAPSHOT, "root"
    )


@pytest.mark.parametrize("step", [Step.SNAPSHOT, Step.VOLUME, Step.UPLOAD])
def test_what_was_made_and_is_gone_has_failed_and_is_not_made_again(step: Step) -> None:
    made = capture_journal.made(capture_journal.asked(EMPTY, step, NOON), step, "id")

    assert isinstance(following(made), Failed)


@pytest.mark.parametrize("kind", list(PartKind))
@pytest.mark.parametrize("status", [PartStatus.FAILED, PartStatus.DELETING])
def test_a_part_in_error_has_failed(kind: PartKind, status: PartStatus) -> None:
    assert isinstance(following(EMPTY, part(kind, status, "error")), Failed)


def test_an_active_image_is_completed_with_the_instant_at_which_it_became_active() -> None:
    active = in_glance(CloudImageStatus.ACTIVE)

    assert following(EMPTY, image=active) == Complete(Available(GIB, GIB, NOON))
    kept = capture_journal.active_since(EMPTY, NOON - timedelta(seconds=9))
    changed = replace(active, changed_at=NOON + timedelta(seconds=9))
    assert following(kept, image=changed) == Complete(
        Available(GIB, GIB, NOON - timedelta(seconds=9))
    )


def test_an_upload_that_nobody_carries_on_has_failed_after_the_grace() -> None:
    saving, at_rest = in_glance(CloudImageStatus.SAVING), part(PartKind.VOLUME, PartStatus.READY)
    seen = Seen([at_rest], saving)
    ended = replace(task(EMPTY), stage="upload ended")

    assert next_of_volume_capture(task(EMPTY), seen, NOON + GRACE) == Continues("upload ended", 60)
    assert isinstance(next_of_volume_capture(ended, seen, NOON + GRACE / 2), Continues)
    assert isinstance(next_of_volume_capture(ended, seen, NOON + GRACE), Failed)
    uploading = Seen([part(PartKind.VOLUME, PartStatus.WORKING)], saving)
    assert next_of_volume_capture(ended, uploading, NOON + GRACE) == Continues("image saving", 60)


def test_an_upload_that_lacks_bytes_has_failed() -> None:
    assert isinstance(following(EMPTY, image=in_glance(CloudImageStatus.ACTIVE, GIB - 1)), Failed)


def test_an_upload_is_checked_by_size_disk_and_checksum() -> None:
    whole = in_glance(CloudImageStatus.ACTIVE)

    assert fault_of_upload(whole, 1, "raw") is None
    assert fault_of_upload(replace(whole, virtual_size_bytes=None), 1, "raw") is None
    assert "0 bytes" in (fault_of_upload(replace(whole, size_bytes=0), 1, "raw") or "")
    assert "cut short" in (fault_of_upload(replace(whole, size_bytes=5), 1, "raw") or "")
    assert fault_of_upload(replace(whole, size_bytes=5), 1, "qcow2") is None
    assert fault_of_upload(replace(whole, size_bytes=5, virtual_size_bytes=6), 1, "qcow2")
    assert "checksum" in (fault_of_upload(replace(whole, checksum=None), 1, "raw") or "")


def test_an_encrypted_volume_is_uploaded_as_it_is() -> None:
    encrypted = RootVolume("root", 1, is_encrypted=True, min_ram_mib=0)

    assert capture_journal.of_volume(encrypted, "qcow2")["disk_format"] == "raw"


# -------------------------------------------------------------- what belongs to a capture

ASKED = capture_journal.asked(EMPTY, Step.SNAPSHOT, NOON)


def found(kind: PartKind, part_id: str, source_id: str | None, seconds: int = 1) -> CapturePart:
    created_at = NOON + timedelta(seconds=seconds)
    return CapturePart(
        kind=kind,
        id=part_id,
        status=PartStatus.READY,
        word="available",
        source_id=source_id,
        created_at=created_at,
    )


def own(written: dict[str, Any], *parts: CapturePart) -> list[str]:
    return [part.id for part in own_parts(task(written), parts)]


def test_snapshot_without_an_answer_belongs_to_a_capture_if_it_is_one_of_the_root_volume() -> None:
    ours = found(PartKind.SNAPSHOT, "ours", "root")
    another = found(PartKind.SNAPSHOT, "of another volume", "data")

    assert own(ASKED, another, ours) == ["ours"]
    assert own(EMPTY, ours) == []  # nobody has asked for any


def test_volume_without_an_answer_belongs_to_a_capture_if_it_was_made_of_its_snapshot() -> None:
    written = capture_journal.made(ASKED, Step.SNAPSHOT, "s")
    ours = found(PartKind.VOLUME, "ours", "s")
    blank = found(PartKind.VOLUME, "blank", None)
    another = found(PartKind.VOLUME, "of another snapshot", "t")

    assert own(written, ours) == []  # nobody has asked for one
    assert own(capture_journal.asked(written, Step.VOLUME, NOON), blank, another, ours) == ["ours"]


def test_volume_of_a_snapshot_that_does_not_belong_to_the_capture_does_not_either() -> None:
    written = capture_journal.asked(ASKED, Step.VOLUME, NOON)
    theirs = found(PartKind.SNAPSHOT, "theirs", "data")

    assert own(written, theirs, found(PartKind.VOLUME, "volume", "theirs")) == []
    ours = found(PartKind.SNAPSHOT, "ours", "root")
    assert own(written, ours, found(PartKind.VOLUME, "volume", "ours")) == ["ours", "volume"]


def test_part_on_record_comes_first_and_then_the_oldest_by_the_clouds_time() -> None:
    first, second = (
        found(PartKind.SNAPSHOT, name, "root", at) for name, at in (("b", 1), ("a", 2))
    )

    assert own(ASKED, second, first) == ["b", "a"]
    assert own(capture_journal.made(ASKED, Step.SNAPSHOT, "a"), first, second) == ["a", "b"]


def test_part_belongs_to_a_capture_only_if_it_was_made_when_it_was_asked_for() -> None:
    grace, late = int(GRACE.total_seconds()), int(LATE.total_seconds())
    at = {name: found(PartKind.SNAPSHOT, name, "root", s) for name, s in (
        ("before", -grace - 1), ("first", -grace), ("last", late), ("after", late + 1),
    )}  # fmt: skip

    assert own(ASKED, *at.values()) == ["first", "last"]
    timeless = replace(at["after"], created_at=None)
    assert own(ASKED, timeless) == ["after"]


def test_step_may_have_made_more_where_its_answer_was_lost_or_it_was_asked_for_twice() -> None:
    answered = capture_journal.made(ASKED, Step.SNAPSHOT, "s")
    again = capture_journal.asked(ASKED, Step.SNAPSHOT, NOON + GRACE)

    assert not capture_journal.may_have_made_more(EMPTY, Step.SNAPSHOT)
    assert capture_journal.may_have_made_more(ASKED, Step.SNAPSHOT)
    assert not capture_journal.may_have_made_more(answered, Step.SNAPSHOT)
    assert capture_journal.may_have_made_more(
        capture_journal.made(again, Step.SNAPSHOT, "s"), Step.SNAPSHOT
    )
    third = capture_journal.asked(again, Step.SNAPSHOT, NOON + 2 * GRACE)
    assert capture_journal.first_asked_at(third, Step.SNAPSHOT) == NOON
    assert capture_journal.asked_at(third, Step.SNAPSHOT) == NOON + 2 * GRACE


# ------------------------------------------------------------------------------ leftovers


def image(status: ImageStatus, cloud_image_id: str | None = None) -> Image:
    return Image(
        id="image",
        name="n",
        account_id="a",
        location="L",
        source_instance_id="vm",
        source_instance_name="vm",
        size_bytes=None,
        status=status,
        consistency=Consistency.CRASH,
        created_at=NOON,
        available_at=None,
        deleted_at=None,
        error=None,
        task_id="task",
        cloud_image_id=cloud_image_id,
        virtual_size_bytes=None,
        project_id="a",
        origin=Origin.CAPTURED,
    )


def left(
    status: ImageStatus, *parts: CapturePart, found: CloudImage | None = None, **more: Any
) -> Any:
    written = more.get("written", EMPTY)
    now = more.get("now", NOON)
    ended = task(written, TaskState.FAILED)
    return next_of_leftovers(ended, image(status), Seen(parts, found), now)


SNAPSHOT = part(PartKind.SNAPSHOT, PartStatus.READY)
VOLUME = part(PartKind.VOLUME, PartStatus.READY)


def test_leftovers_are_given_up_a_week_after_the_end_of_the_capture() -> None:
    ended, week = task(EMPTY, TaskState.FAILED), timedelta(days=7)

    assert not is_given_up(ended, NOON + week - timedelta(seconds=1))
    assert is_given_up(ended, NOON + week)


def test_the_snapshot_waits_for_the_volume_that_was_made_of_it() -> None:
    assert left(ImageStatus.AVAILABLE, SNAPSHOT, VOLUME) == Remove(None, [VOLUME])
    assert left(ImageStatus.AVAILABLE, SNAPSHOT) == Remove(None, [SNAPSHOT])


def test_what_is_left_is_removed_by_force_when_the_cloud_has_had_time_enough() -> None:
    busy = part(PartKind.VOLUME, PartStatus.WORKING, "uploading")
    soon, late = NOON + LATE - timedelta(seconds=1), NOON + LATE

    assert left(ImageStatus.ERROR, busy, now=soon) == Remove(None, [busy], force=False)
    assert left(ImageStatus.ERROR, busy, now=late) == Remove(None, [busy], force=True)


def test_what_is_being_deleted_is_only_watched() -> None:
    deleting = part(PartKind.VOLUME, PartStatus.DELETING)

    assert left(ImageStatus.AVAILABLE, SNAPSHOT, deleting) == Watch()
    assert left(ImageStatus.AVAILABLE) == Clean()


@pytest.mark.parametrize("status", [ImageStatus.ERROR, ImageStatus.DELETED])
def test_the_image_of_a_capture_that_came_to_nothing_is_removed(status: ImageStatus) -> None:
    found = in_glance(CloudImageStatus.ACTIVE)

    assert left(status, found=found) == Remove(found, [])


@pytest.mark.parametrize("status", [ImageStatus.AVAILABLE, ImageStatus.DELETING])
def test_an_image_that_is_available_or_being_deleted_is_not_touched(status: ImageStatus) -> None:
    assert left(status, found=in_glance(CloudImageStatus.ACTIVE)) == Clean()


def test_a_request_without_an_answer_is_watched_until_nothing_can_come_of_it() -> None:
    asked = capture_journal.asked(EMPTY, Step.SNAPSHOT, NOON)

    assert left(ImageStatus.ERROR, written=asked, now=NOON + LATE / 2) == Watch()
    assert left(ImageStatus.ERROR, written=asked, now=NOON + LATE) == Clean()
    answered = capture_journal.made(asked, Step.SNAPSHOT, "id")
    seen = capture_journal.made(capture_journal.asked(asked, Step.VOLUME, NOON), Step.VOLUME, "id")
    assert left(ImageStatus.ERROR, written=seen) == Clean()
    assert left(ImageStatus.ERROR, written=answered) == Clean()
    assert (
        left(ImageStatus.ERROR, written=capture_journal.not_asked(asked, Step.SNAPSHOT)) == Clean()
    )


def test_a_capture_whose_image_is_known_was_answered() -> None:
    asked = task(capture_journal.of_server(NOON), TaskState.FAILED)
    nothing = Seen((), None)

    assert next_of_leftovers(asked, image(ImageStatus.ERROR), nothing, NOON) == Watch()
    assert next_of_leftovers(asked, image(ImageStatus.ERROR, "id"), nothing, NOON) == Clean()


# ----------------------------------------------------------------------------- properties


@pytest.mark.parametrize(
    "name", ["hw_disk_bus", "os_type", "os_require_quiesce", "architecture", "kernel_id"]
)
def test_how_a_disk_is_booted_is_carried_over(name: str) -> None:
    assert is_carried(name)


@pytest.mark.parametrize(
    "name",
    [
        "img_signature",
        "img_signature_certificate_uuid",
        "os_glance_import_task",
        "os_hash_value",
        "os_hidden",
        "signature_verified",
        "owner_specified.openstack.md5",
        "instance_images_request",
        "image_type",
        "base_image_ref",
        "cinder_encryption_key_id",
        "note",
    ],
)
def test_what_vouches_for_other_bytes_or_belongs_to_a_service_is_not(name: str) -> None:
    assert not is_carried(name)
