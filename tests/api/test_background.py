"""With a worker, what a request has started ends though nobody looks at it."""

from pathlib import Path

import pytest

from support.clouds.embedded_cloud import wait_for
from support.processes.background_worker import working
from support.worlds.api_world import Office

pytestmark = pytest.mark.cloud


def test_captures_end_with_a_worker_and_nobody_looking(office: Office) -> None:
    """One of a disk and one of a volume; the worker is killed in between, and started again.

    Cinder answers late once, while the volume is captured.
    """
    project = office.cloud.new_project()
    servers = {
        "of-a-disk": office.cloud.boot(project, "web-1").id,
        "of-a-volume": office.cloud.boot_from_volume(project, "db-1").id,
    }
    config = Path(office.cli.config_file)

    def statuses() -> dict[str, str]:
        # From the records alone: a list advances nothing.
        images = office.ask("GET", "/v1/images", project, 200).json()["images"]
        return {one["name"]: one["status"] for one in images}

    def capture(name: str) -> None:
        asked = {"image": {"name": name, "source_instance_id": servers[name]}}
        office.ask("POST", "/v1/images", project, 202, json=asked)

    with working(config) as worker:
        capture("of-a-disk")
        wait_for(lambda: statuses()["of-a-disk"] == "available", "the image of the disk")
        worker.kill()
    capture("of-a-volume")
    between = statuses()
    office.cloud.fault("cinder", "GET", "/volumes", "delay", delay_seconds=1.5, after=1)
    with working(config):
        wait_for(lambda: statuses()["of-a-volume"] == "available", "the image of the volume")

    assert between["of-a-volume"] == "creating"
    tasks = office.ask("GET", "/v1/tasks", project, 200).json()["tasks"]
    assert [(one["state"], one["attempts"]) for one in tasks] == [("succeeded", 1)] * 2
