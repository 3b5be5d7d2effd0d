"""A worker is killed at any step, or has company: nothing is lost, twice, or left."""

import os
import shutil
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from instance_images.db import checks, tasks
from instance_images.images.capture import capture
from instance_images.locations.site import Site
from instance_images.model.records import ImageStatus

from support.processes.fast_worker import FastClock, run_worker
from support.worlds.crash_place import OWNER, Place, check
from support.worlds.ledger_world import LOCATION

VERY_FAST = 2000.0  # a lost answer is given up after 0.3 s
FAST = 30.0


def all_done(site: Site) -> Callable[[], bool]:
    def look() -> bool:
        with site.database.reading() as connection:
            return not tasks.open_tasks(connection, LOCATION.name, OWNER.id)

    return look


def work(site: Site) -> None:
    run_worker({LOCATION.name: site}, all_done(site))


def begin(site: Site) -> None:
    capture(site, OWNER, "vm", "golden")


Prepare = Callable[[int, float], Place]


@pytest.fixture(params=[False, True], ids=["image-backed", "volume-backed"])
def prepare(tmp_path: Path, empty_database: Path, request: pytest.FixtureRequest) -> Prepare:
    def make(number: int, speed: float) -> Place:
        directory = tmp_path / str(number)
        directory.mkdir()
        shutil.copy(empty_database, directory / "ledger.db")
        return Place(directory, bool(request.param), FastClock(speed))

    return make


def test_a_worker_that_is_killed_at_any_step_leaves_all_to_the_next_one(prepare: Prepare) -> None:
    number = 0
    while True:
        number += 1
        place = prepare(number, VERY_FAST)
        # All steps of a volume's capture take minutes: one in seven.
        step = 7 * number - 6 if place.is_volume_backed else number
        begin(place.site())
        killed = place.run(work, step)
        work(place.site())
        assert check(place, step) is ImageStatus.AVAILABLE, step
        if not killed:
            assert step > (12 if place.is_volume_backed else 3)
            return


@pytest.mark.parametrize("has_claims", [True, False], ids=["claims", "no claims"])
def test_two_workers_whose_clocks_are_two_minutes_apart_do_each_other_no_harm(
    prepare: Prepare, has_claims: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_claims:
        monkeypatch.setattr(checks, "claim", lambda *_: True)
    for number in range(2):
        place = prepare(number, FAST)
        begin(place.site())
        children = []
        for skew in (timedelta(0), timedelta(minutes=2)):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    site = place.site()
                    work(replace(site, clock=replace(place.clock, skew=skew)))
                    code = 0
                except BaseException:
                    traceback.print_exc()
                os._exit(code)
            children.append(child)

        assert {os.waitpid(child, 0)[1] for child in children} == {0}

        assert check(place, number) is ImageStatus.AVAILABLE
