"""What comes next for a task is decided from what the cloud says of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from instance_images.domain import Consistency, Task, TaskKind, TaskState
from instance_images.provider import CloudImage, CloudImageStatus, Server, ServerStatus
from instance_images.transitions import (
    GRACE,
    Available,
    Continues,
    DeleteAgain,
    Deleted,
    Deployed,
    Failed,
    consistency_of,
    fault_of_source,
    next_of_capture,
    next_of_deletion,
    next_of_deployment,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def task(kind: TaskKind = TaskKind.CREATE, server_id: str | None = None) -> Task:
    return Task(
        "task",
        kind,
        "image",
        TaskState.RUNNING,
        "requested",
        0,
        1,
        None,
        NOON,
        NOON,
        NOON,
        server_id,
        project_id="account",
        stage_began_at=NOON,
        journal={},
    )


def cloud_image(
    status: CloudImageStatus, size: int | None = 5, changed: datetime = NOON
) -> CloudImage:
    return CloudImage("cloud", "name", "owner", status, size, size, 0, 0, changed)


def server(status: ServerStatus, task_state: str | None = None, fault: str | None = None) -> Server:
    return Server("server", "name", "account", status, task_state, False, (), fault)


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


def test_a_deployment_ends_when_the_instance_runs_or_fails() -> None:
    deploying = task(TaskKind.DEPLOY, "server")

    assert next_of_deployment(deploying, server(ServerStatus.RUNNING), NOON) == Deployed()
    assert next_of_deployment(
        deploying, server(ServerStatus.FAILED, fault="No valid host."), NOON
    ) == Failed("No valid host.")
    assert next_of_deployment(
        deploying, server(ServerStatus.BUILDING, "spawning"), NOON
    ) == Continues("spawning", 60)
    assert isinstance(next_of_deployment(deploying, None, NOON), Failed)


def test_an_instance_that_failed_is_given_a_look_for_its_reason_to_be_written() -> None:
    failed = server(ServerStatus.FAILED)
    deploying = task(TaskKind.DEPLOY, server_id="server")

    first = next_of_deployment(deploying, failed, NOON)

    assert first == Continues("error", 0)
    seen = replace(deploying, stage="error")
    assert isinstance(next_of_deployment(seen, failed, NOON), Failed)
