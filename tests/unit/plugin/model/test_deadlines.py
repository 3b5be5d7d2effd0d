"""A capture that makes no progress for longer than its stage may take is given up."""

from dataclasses import replace
from datetime import timedelta

import pytest
from test_capture_decisions import NOON
from test_capture_decisions import task as a_task

from instance_images.model.deadlines import Deadlines, fault_of_delay, fault_of_postponement
from instance_images.model.records import Task, TaskKind

DEADLINES = Deadlines(queue_minutes=10, snapshot_minutes=20, upload_minutes=30, deploy_minutes=40)


def in_stage(stage: str) -> Task:
    return replace(a_task(), stage=stage)


@pytest.mark.parametrize(
    ("stage", "minutes"),
    [
        ("queued", 10),
        ("image_snapshot_pending", 10),
        ("image queued", 10),
        ("image_snapshot", 20),
        ("image_pending_upload", 20),
        ("snapshot creating", 20),
        ("image_uploading", 30),
        ("saving", 30),
        ("volume creating", 30),
        ("volume uploading", 30),
        ("image saving", 30),
    ],
)
def test_every_stage_has_its_deadline(stage: str, minutes: int) -> None:
    just_in_time = NOON + timedelta(minutes=minutes, seconds=-1)
    too_late = NOON + timedelta(minutes=minutes)

    assert fault_of_delay(in_stage(stage), stage, DEADLINES, just_in_time) is None
    assert f"no progress for {minutes} minutes" in (
        fault_of_delay(in_stage(stage), stage, DEADLINES, too_late) or ""
    )


@pytest.mark.parametrize(
    ("kind", "stage", "minutes"),
    [
        (TaskKind.CREATE, "queued", 10),
        (TaskKind.CREATE, "saving", 30),
        (TaskKind.DELETE, "requested", 30),
        (TaskKind.DEPLOY, "requested", 40),
    ],
)
def test_postponed_task_is_given_up_by_the_deadline_of_its_kind_and_stage(
    kind: TaskKind, stage: str, minutes: int
) -> None:
    postponed = replace(in_stage(stage), kind=kind)
    just_in_time = NOON + timedelta(minutes=minutes, seconds=-1)
    too_late = NOON + timedelta(minutes=minutes)

    assert fault_of_postponement(postponed, "Why.", DEADLINES, just_in_time) is None
    assert (fault_of_postponement(postponed, "Why.", DEADLINES, too_late) or "").endswith(": Why.")


def test_another_stage_is_progress() -> None:
    much_later = NOON + timedelta(days=9)

    assert fault_of_delay(in_stage("queued"), "saving", DEADLINES, much_later) is None
