"""One request id per command: in our log, in the task, and in the logs of services."""

import re
from pathlib import Path

import pytest

from instance_images.model.requests import request_ids
from instance_images.parallel import in_parallel

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud, Project

REQUEST_ID = r"req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file to log into."""
    return tmp_path / "instance-images.log"


def test_threads_have_the_request_id_of_whoever_started_them() -> None:
    begun = request_ids.begin()

    found = in_parallel(lambda _number: request_ids.current(), range(20))

    assert set(found) == {begun}
    assert re.fullmatch(REQUEST_ID, begun)
    assert request_ids.begin() != begun


def test_one_request_id_leads_from_a_capture_in_our_log_to_the_logs_of_nova_and_glance(
    cloud: EmbeddedCloud, project: Project, configured: ConfiguredCommandLine, log: Path
) -> None:
    cli = configured(DEFAULT=f"log_file = {log}")
    server = cloud.boot(project, "secret-name")

    made = ("image", "create", server.id, "--name", "golden-secret", "--account", project.id)
    image = cli.ok(*made, "--wait").json

    [task] = cli.ok("task", "list", "--account", project.id).json
    begun, ended = [line for line in log.read_text().splitlines() if task["id"] in line]
    assert "INFO" in begun
    assert f"capture of instance {server.id} of account {project.id} requested" in begun
    assert f"create task {task['id']} of image {image['id']} ended: available" in ended
    assert re.findall(REQUEST_ID, begun) == re.findall(REQUEST_ID, ended) == [task["request_id"]]
    assert "secret" not in log.read_text()
    for service in ("nova", "glance"):
        found = "".join(path.read_text() for path in cloud.log_dir.glob(f"*{service}*"))
        assert task["request_id"] in found, service
