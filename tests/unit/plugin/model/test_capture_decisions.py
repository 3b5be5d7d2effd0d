"""What comes next for a task is decided from what the cloud says of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from instance_images.model.capture import consistency_of, fault_of_source, next_of_capture
from instance_images.model.cloud import CloudImage, CloudImageStatus, Server, ServerStatus
from instance_images.model.deadlines import Deadlines
from instance_images.model.deletion import next_of_deletion
from instance_images.model.deployment import next_of_deployment
from instance_images.model.outcomes import (
    GRACE,
    Available,
    Continues,
    DeleteAgain,
    Deleted,
    Deployed,
    Failed,
)
from instance_images.model.records import Consistency, Task, TaskKind, TaskState

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def task(kind: TaskKind = TaskKind.CREATE, server_id: str | None = None) -> Task:
    return Task(
        id="task",
        kind=kind,
        image_id="image",
        state=TaskState.RUNNING,
        stage="requested",
        progress=0,
        attempts=1,
        error=None,
        created_at=NOON,
        updated_at=NOON,
        started_at=NOON,
        server_id=server_id,
        project_id="account",
        stage_began_at=NOON,
        journal={},
    )


def cloud_image(
    status: CloudImageStatus, size: int | None = 5, changed: datetime = NOON
) -> CloudImage:
    return CloudImage(
        id="cloud",
        name="name",
        owner_id="owner",
        status=status,
        size_bytes=size,
        virtual_size_bytes=size,
        min_disk_gib=0,
        min_ram_mib=0,
        changed_at=changed,
    )


def server(status: ServerStatus, task_state: str | None = None, fault: str | None = None) -> Server:
    return Server(
        id="server",
        name="name",
        project_id="account",
        status=status,
        task_state=task_state,
        is_volume_backed=False,
        addresses=(),
        fault=fault,
    )


def capture_next(
    found: CloudImage | None, now: datetime = NOON + MINUTE, is_known: bool = True
) -> object:
    return next_of_capture(task(), found, server(ServerStatus.RUNNING), is_known, now)


def test_an_image_with_all_its_bytes_is_available_since_it_last_changed() -> None:
    active = cloud_image(CloudImageStatus.ACTIVE, 5, NOON + timedelta(seconds=20))

    assert capture_next(active) == Available(5, 5, NOON + timedelta(seconds=20))


def test_availability_is_never_before_the_last_look_nor_after_now() -> None:
    early = cloud_image(CloudImageStatus.ACTIVE, 5, NOON - MINUTE)
    late = cloud_image(CloudImageStatus.ACTIVE, 5, NOON + 9 * MINUTE)

    assert capture_next(early) == Available(5, 5, NOON)
    assert capture_next(late) == Available(5, 5, NOON + MINUTE)


@pytest.mark.parametrize("size", [0, None])
def test_an_image_without_bytes_is_never_available(size: int | None) -> None:
    assert isinstance(capture_next(cloud_image(CloudImageStatus.ACTIVE, size)), Failed)


def test_an_image_that_vanished_has_failed() -> None:
    assert isinstance(capture_next(None), Failed)
    assert isinstance(capture_next(cloud_image(CloudImageStatus.LOST)), Failed)


def test_a_request_without_an_answer_is_given_time_to_arrive() -> None:
    assert isinstance(capture_next(None, NOON + GRACE - MINUTE, is_known=False), Continues)
    assert isinstance(capture_next(None, NOON + GRACE, is_known=False), Failed)


def test_an_image_that_waits_for_an_instance_which_is_gone_has_failed_after_a_while() -> None:
    queued, saving = (
        cloud_image(s, None) for s in (CloudImageStatus.QUEUED, CloudImageStatus.SAVING)
    )
    seen_gone = replace(task(), stage="queued")
    there = server(ServerStatus.RUNNING)

    def decided(task: Task, found: CloudImage, source: Server | None, now: datetime) -> object:
        return type(next_of_capture(task, found, source, True, now))

    assert decided(seen_gone, queued, None, NOON + GRACE) is Failed
    assert decided(seen_gone, queued, None, NOON + GRACE - MINUTE) is Continues
    assert decided(seen_gone, queued, there, NOON + 9 * MINUTE) is Continues
    assert decided(replace(seen_gone, stage="saving"), saving, None, NOON + 9 * MINUTE) is Continues
    assert decided(task(), queued, None, NOON + 9 * MINUTE) is Continues  # seen for the first time


def test_the_stage_is_the_clouds_own_word_and_progress_never_falls() -> None:
    saving = cloud_image(CloudImageStatus.SAVING, None)
    source = server(ServerStatus.RUNNING, "image_uploading")

    assert next_of_capture(task(), saving, source, True, NOON) == Continues("image_uploading", 60)
    assert next_of_capture(task(), saving, None, True, NOON) == Continues("saving", 60)


@pytest.mark.parametrize(
    "status",
    [ServerStatus.RUNNING, ServerStatus.STOPPED, ServerStatus.PAUSED, ServerStatus.SUSPENDED],
)
def test_an_idle_instance_with_a_disk_of_its_own_can_be_captured(status: ServerStatus) -> None:
    assert fault_of_source(server(status)) is None


@pytest.mark.parametrize(
    "status", [ServerStatus.BUILDING, ServerStatus.FAILED, ServerStatus.DELETED, ServerStatus.OTHER]
)
def test_an_instance_in_another_state_cannot_be_captured(status: ServerStatus) -> None:
    assert fault_of_source(server(status))


def test_an_instance_that_the_cloud_is_busy_with_cannot_be_captured() -> None:
    fault = fault_of_source(server(ServerStatus.RUNNING, "image_uploading"))

    assert fault
    assert "image_uploading" in fault


def test_a_shelved_instance_is_to_be_unshelved_first() -> None:
    assert "unshelve it" in (fault_of_source(server(ServerStatus.SHELVED)) or "")


def test_a_rescued_instance_is_told_to_be_in_rescue_mode() -> None:
    assert "It is in rescue mode: end the rescue" in str(
        fault_of_source(server(ServerStatus.RESCUED))
    )


def test_another_status_is_told_in_the_words_of_the_cloud() -> None:
    resized = replace(server(ServerStatus.OTHER), cloud_status="VERIFY_RESIZE")

    assert "It is in status VERIFY_RESIZE: only" in str(fault_of_source(resized))


@pytest.mark.parametrize(
    ("status", "freezes", "expected"),
    [
        (ServerStatus.RUNNING, False, Consistency.CRASH),
        (ServerStatus.RUNNING, True, Consistency.FILESYSTEM),
        (ServerStatus.PAUSED, True, Consistency.CRASH),
        (ServerStatus.SUSPENDED, True, Consistency.CRASH),
        (ServerStatus.STOPPED, False, Consistency.OFFLINE),
    ],
)
def test_consistency_follows_from_what_the_instance_was_doing(
    status: ServerStatus, freezes: bool, expected: Consistency
) -> None:
    assert consistency_of(server(status), freezes) is expected


def test_a_deletion_that_took_effect_was_accepted_when_it_was_asked_for() -> None:
    deleting = task(TaskKind.DELETE)

    assert next_of_deletion(deleting, True, None, NOON + MINUTE) == Deleted(NOON)
    assert next_of_deletion(deleting, True, NOON - MINUTE, NOON + MINUTE) == Deleted(NOON)


def test_a_deletion_is_not_dated_before_the_image_was_last_seen() -> None:
    seen = NOON + timedelta(seconds=30)

    assert next_of_deletion(task(TaskKind.DELETE), True, seen, NOON + MINUTE) == Deleted(seen)


def test_a_deletion_without_effect_is_asked_for_again_after_the_grace() -> None:
    deleting = task(TaskKind.DELETE)

    assert isinstance(next_of_deletion(deleting, False, None, NOON + MINUTE), Continues)
    assert next_of_deletion(deleting, False, None, NOON + GRACE) == DeleteAgain()


def deployment(count: int = 1, server_ids: Sequence[str] = ("server",)) -> Task:
    journal = {"count": count, "server_ids": list(server_ids)}
    first = server_ids[0] if server_ids else None
    return replace(task(TaskKind.DEPLOY, first), journal=journal)


RUNS, BUILDS = server(ServerStatus.RUNNING), server(ServerStatus.BUILDING, "spawning")
FAILS = server(ServerStatus.FAILED, fault="No valid host.")


def test_a_deployment_ends_when_the_instance_runs_or_fails() -> None:
    assert next_of_deployment(deployment(), [RUNS], NOON) == Deployed()
    assert next_of_deployment(deployment(), [FAILS], NOON) == Failed(
        "No valid host. Instance name (server) is in error. It is left for you to inspect and"
        " delete."
    )
    assert next_of_deployment(deployment(), [BUILDS], NOON) == Continues("spawning", 60)
    assert next_of_deployment(deployment(), [], NOON) == Failed(
        "The instance does not exist: it was deleted or never created."
    )


def test_a_deployment_without_progress_is_given_up_and_names_what_it_leaves() -> None:
    began = NOON - timedelta(minutes=20)
    late = replace(deployment(3, ["a", "b", "c"]), stage="spawning", stage_began_at=began)
    short, long = Deadlines(deploy_minutes=20), Deadlines(deploy_minutes=21)

    assert next_of_deployment(late, [RUNS, FAILS, BUILDS], NOON, short) == Failed(
        "The deployment made no progress for 20 minutes in stage 'spawning'. 1 of 3 instances"
        " failed. No valid host. Instance name (server) is in error. Instance name (server) is"
        " still being built. They are left for you to inspect and delete."
    )
    assert next_of_deployment(late, [RUNS, FAILS, BUILDS], NOON, long) == Continues("spawning", 60)
    moved = replace(late, stage="scheduling")
    assert next_of_deployment(moved, [RUNS, FAILS, BUILDS], NOON, short) == Continues(
        "spawning", 60
    )


def test_a_deployment_of_several_ends_when_none_is_being_built() -> None:
    three = deployment(3, ["a", "b", "c"])

    assert next_of_deployment(three, [RUNS, FAILS, BUILDS], NOON) == Continues("spawning", 60)
    assert next_of_deployment(three, [RUNS, RUNS, RUNS], NOON) == Deployed()
    assert next_of_deployment(three, [RUNS, FAILS, FAILS], NOON) == Failed(
        "2 of 3 instances failed. No valid host. Instance name (server) is in error. No valid"
        " host. Instance name (server) is in error. They are left for you to inspect and delete."
    )
    assert next_of_deployment(three, [RUNS, RUNS], NOON) == Failed(
        "1 of 3 instances do not exist: they were deleted or never created."
    )


def test_a_deployment_shows_the_stage_of_the_instance_that_is_furthest_behind() -> None:
    begun = server(ServerStatus.BUILDING, "scheduling")

    found = next_of_deployment(deployment(2, ["a", "b"]), [BUILDS, begun], NOON)

    assert found == Continues("scheduling", 10)


@pytest.mark.parametrize("known", [[], ["a"]])
def test_instances_that_are_not_seen_yet_are_waited_for_until_the_grace_ends(
    known: list[str],
) -> None:
    two = deployment(2, known)

    assert next_of_deployment(two, [RUNS], NOON + MINUTE) == Continues("requested", 0)
    assert isinstance(next_of_deployment(two, [RUNS], NOON + GRACE), Failed)


def test_an_instance_that_failed_is_given_a_look_for_its_reason_to_be_written() -> None:
    failed = server(ServerStatus.FAILED)
    deploying = task(TaskKind.DEPLOY, server_id="server")

    first = next_of_deployment(deploying, [failed], NOON)

    assert first == Continues("error", 0)
    seen = replace(deploying, stage="error")
    assert isinstance(next_of_deployment(seen, [failed], NOON), Failed)
