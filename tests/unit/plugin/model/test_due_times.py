"""When a task is looked at next."""

from datetime import UTC, datetime, timedelta

import pytest

from instance_images.model.deadlines import first_look_at, next_look_at
from instance_images.model.records import Task, TaskKind, TaskState

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def task(state: TaskState = TaskState.RUNNING, *, has_leftovers: bool = True) -> Task:
    return Task(
        id="task",
        kind=TaskKind.CREATE,
        image_id="image",
        state=state,
        stage="queued",
        progress=0,
        attempts=1,
        error=None,
        created_at=NOON,
        updated_at=NOON,
        started_at=NOON,
        server_id=None,
        project_id="project",
        stage_began_at=NOON,
        journal={},
        has_leftovers=has_leftovers,
    )


def pause_seconds(looked_at: Task, age_seconds: float, *, is_refused: bool = False) -> float:
    now = NOON + timedelta(seconds=age_seconds)
    look_at = next_look_at(looked_at, now, is_refused=is_refused)
    assert look_at is not None
    return (look_at - now).total_seconds()


def test_the_first_look_is_a_second_after_the_request() -> None:
    assert first_look_at(NOON) == NOON + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("age_seconds", "expected_seconds"),
    [(-120, 1), (0, 1), (9, 1), (40, 4), (150, 15), (90000, 15)],
)
def test_work_in_progress_is_looked_at_after_a_tenth_of_its_stage(
    age_seconds: int, expected_seconds: int
) -> None:
    assert pause_seconds(task(), age_seconds) == expected_seconds


@pytest.mark.parametrize(("age_seconds", "expected_seconds"), [(0, 1), (100, 10), (599, 59.9)])
def test_leftovers_are_looked_at_after_a_tenth_of_the_time_since_the_end(
    age_seconds: int, expected_seconds: float
) -> None:
    assert pause_seconds(task(TaskState.FAILED), age_seconds) == expected_seconds


@pytest.mark.parametrize(("age_hours", "expected_hours"), [(0.5, 0.5), (1, 1), (20, 20), (72, 24)])
def test_the_time_since_the_end_doubles_where_leftovers_stay(
    age_hours: float, expected_hours: float
) -> None:
    ended = task(TaskState.FAILED)

    assert pause_seconds(ended, age_hours * 3600) == expected_hours * 3600
    assert pause_seconds(ended, age_hours * 3600, is_refused=True) == expected_hours * 3600


def test_leftovers_that_are_refused_are_put_off_from_the_first_look_on() -> None:
    assert pause_seconds(task(TaskState.FAILED), 300, is_refused=True) == 300
    assert pause_seconds(task(TaskState.FAILED), 0, is_refused=True) == 1


@pytest.mark.parametrize("state", [TaskState.SUCCEEDED, TaskState.FAILED])
def test_a_task_with_nothing_left_to_do_has_no_next_look(state: TaskState) -> None:
    assert next_look_at(task(state, has_leftovers=False), NOON) is None
