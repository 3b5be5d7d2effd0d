"""A check sends at most two requests to look at a task, and those of one step if that is due."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from instance_images.db import tasks
from instance_images.images.capture import capture
from instance_images.model.records import ImageStatus
from instance_images.tasks.checks import check

from support.processes.command_line import SetClock
from support.worlds.crash_place import MORE_THAN_ENOUGH, OWNER, Place
from support.worlds.crash_place import check as check_place
from support.worlds.ledger_world import LOCATION, at

LOOKS = ("get_image", "get_server", "get_part", "find_parts", "find_captured")


def counted(looks: list[str], name: str, look: Callable[..., Any]) -> Callable[..., Any]:
    def looked(*arguments: Any) -> Any:
        looks.append(name)
        return look(*arguments)

    return looked


@pytest.mark.parametrize("is_volume_backed", [False, True], ids=["image-backed", "volume-backed"])
def test_a_check_of_a_capture_looks_twice_at_most(
    tmp_path: Path, empty_database: Path, is_volume_backed: bool
) -> None:
    shutil.copy(empty_database, tmp_path / "ledger.db")
    place = Place(tmp_path, is_volume_backed, SetClock(at("1T12:00")))
    site = place.site()
    looks: list[str] = []
    for name in LOOKS:
        setattr(site.provider, name, counted(looks, name, getattr(site.provider, name)))
    request = capture(site, OWNER, "vm", "golden")
    counts = []

    for _ in range(MORE_THAN_ENOUGH):
        place.clock.now += timedelta(seconds=15)
        looks.clear()
        check(site, OWNER.id, request.task_id, "worker")
        counts.append(len(looks))
        with site.database.reading() as connection:
            if not tasks.unfinished_tasks(connection, LOCATION.name, OWNER.id):
                break

    assert max(counts) == 2, counts
    place.settle()
    assert check_place(place, "end") is ImageStatus.AVAILABLE
