"""How often a cloud is looked at while somebody waits."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from instance_images.model.records import Task, TaskKind, TaskState
from instance_images.tasks import waiting
from instance_images.tasks.waiting import Watched, wait_for_tasks

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def seen_in(stage: str) -> Task:
    state = TaskState.SUCCEEDED if stage == "ended" else TaskState.RUNNING
    return Task(
        id="t",
        kind=TaskKind.CREATE,
        image_id="i",
        state=state,
        stage=stage,
        progress=0,
        attempts=1,
        error=None,
        created_at=NOON,
        updated_at=NOON,
        started_at=NOON,
        server_id="vm",
        project_id="a",
        stage_began_at=NOON,
        journal={},
    )


def pauses(stages: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long it is waited between looks that find the task in these stages."""
    left = iter(stages)
    monkeypatch.setattr(waiting, "settle", lambda *_: [])
    monkeypatch.setattr(waiting, "_read", lambda _: [seen_in(next(left))])
    site: Any = None
    slept: list[float] = []
    wait_for_tasks([Watched(site, "a", ["t"])], lambda _: None, slept.append)
    return slept


def test_pauses_grow_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = pauses(["saving"] * 40 + ["ended"], monkeypatch)

    assert slept[:3] == [0.25, 0.25 * 1.25, 0.25 * 1.25**2]
    assert slept == sorted(slept)
    assert slept[-1] == waiting.LONGEST_PAUSE_SECONDS


def test_pauses_begin_anew_with_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = pauses(["queued"] * 3 + ["saving"] * 2 + ["ended"], monkeypatch)

    assert slept == [0.25, 0.3125, 0.390625, 0.25, 0.3125]
