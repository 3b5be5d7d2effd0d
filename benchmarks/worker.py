"""How punctual a worker is, what it costs, and how much it adds to a capture.

``idle``: the CPU of a worker with nothing to do. ``checks``: 1,000 unfinished tasks and two
workers, on a cloud in memory where nothing changes; how late checks are. Both on a PostgreSQL of
their own. ``captures``: on an embedded cloud, from the instant that Glance has an image as active
until it is available on record; and the capture of a volume, in turn with the same steps of Cinder
asked for as fast as they can be.
"""

import argparse
import contextlib
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from measuring import machine, median, note, report

from instance_images.db import images
from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images.db.tables import images as image_rows
from instance_images.db.tables import tasks
from instance_images.images.capture import capture
from instance_images.instants import system_clock
from instance_images.locations.site import Advance, Site
from instance_images.model.records import ImageStatus
from instance_images.tasks.settling import settle

from support.clouds import installed_memory_cloud
from support.clouds.embedded_cloud import EmbeddedCloud, Project
from support.clouds.installed_memory_cloud import SlowProvider
from support.processes.background_worker import working
from support.processes.command_line import CommandLine, write_config
from support.servers import database_servers
from support.worlds.ledger_world import LOCATION

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process: "subprocess.Popen[bytes]") -> float:
    """Return what the process has used so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextlib.contextmanager
def ledger(directory: Path) -> Iterator[tuple[Database, Path]]:
    """Yield an empty database on a PostgreSQL of its own, and a configuration with it."""
    with database_servers.postgresql() as server, database_servers.new_database(server) as url:
        database = Database(url)
        upgrade(database)
        config = directory / "instance-images.conf"
        config.write_text(
            f"[DEFAULT]\nlocations = RegionOne\n[database]\nconnection = {url}\n"
            "[location:RegionOne]\nprovider = slow-memory\ncloud = up\n"
        )
        yield database, config
        database.engine.dispose()


def fill(database: Database, count: int, due_in_seconds: int) -> None:
    """Have so many captures under way for an hour, due one after the other."""
    cloud = SlowProvider(LOCATION, system_clock)
    site = Site(
        location=LOCATION,
        provider=cloud,
        database=database,
        clock=system_clock,
        default_max_images=count,
        advances=Advance.NEEDED,
    )
    request = capture(site, cloud.account("a"), "vm", "image")
    settle(site, None)
    now = system_clock()
    with database.writing() as connection:
        image = dict(connection.execute(sa.select(image_rows)).mappings().one())
        task = dict(connection.execute(sa.select(tasks)).mappings().one())
        assert task["task_id"] == request.task_id
        new_images, new_tasks = [], []
        for number in range(count):
            ids = {"image_id": str(uuid.uuid4()), "task_id": str(uuid.uuid4())}
            cloud_ids = {"cloud_image_id": ids["image_id"], "living_key": ids["image_id"]}
            new_images.append(image | ids | cloud_ids | {"source_instance_id": f"vm-{number}"})
            due = {"look_at": now + timedelta(seconds=due_in_seconds + number % 15)}
            new_tasks.append(task | ids | due | {"stage_began_at": now - timedelta(hours=1)})
        connection.execute(sa.insert(image_rows), new_images)
        connection.execute(sa.insert(tasks), new_tasks)


def lateness(database: Database) -> float:
    """Return by how many seconds the check that is latest now is late."""
    with database.reading() as connection:
        oldest = connection.execute(sa.select(sa.func.min(tasks.c.look_at))).scalar_one()
    return max(time.time() - oldest.timestamp(), 0.0)


def measure_idle(config: Path, seconds: int, warm_up_seconds: int) -> dict[str, Any]:
    """Return the share of a core that a worker without a task takes."""
    with working(config) as worker:
        time.sleep(warm_up_seconds)  # imports and the first connection
        before, began = cpu_seconds(worker.process), time.monotonic()
        time.sleep(seconds)
        used, passed = cpu_seconds(worker.process) - before, time.monotonic() - began
    return {"seconds": seconds, "cpu_percent_of_a_core": round(100 * used / passed, 2)}


def measure_checks(
    database: Database, config: Path, count: int, seconds: int, warm_up_seconds: int
) -> dict[str, Any]:
    """Return how late checks are with two workers, which run before the first is due."""
    note(f"recording {count} captures")
    fill(database, count, warm_up_seconds)
    late: list[float] = []
    with working(config) as one, working(config) as two:
        time.sleep(1.5 * warm_up_seconds)  # the first checks of all are over
        before, began = cpu_seconds(one.process) + cpu_seconds(two.process), time.monotonic()
        note(f"two workers at {count} tasks for {seconds} s")
        while time.monotonic() - began < seconds:
            late.append(lateness(database))
            time.sleep(0.25)
        used = cpu_seconds(one.process) + cpu_seconds(two.process) - before
    # The instants are whole seconds: what is due in this second counts as late up to 1 s.
    return {
        "tasks": count,
        "seconds": seconds,
        "latest_check_seconds": {"median": median(late), "maximum": round(max(late), 2)},
        "cpu_percent_of_a_core_of_both": round(100 * used / seconds, 1),
    }


def _waited(condition: Callable[[], bool], pause_seconds: float = 0.1) -> float:
    """Return the instant at which a condition is first seen to hold."""
    while not condition():
        time.sleep(pause_seconds)
    return time.time()


def measure_captures(directory: Path, rounds: int, running: Path | None) -> dict[str, Any]:
    """Return what a worker adds to captures, on a cloud that is running or on one of its own."""
    directory.mkdir()
    with (
        contextlib.nullcontext(EmbeddedCloud(running.resolve()))
        if running
        else EmbeddedCloud.running(directory / "cloud", services=())
    ) as cloud:
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(cloud.clouds_yaml)
        config = write_config(
            directory / "instance-images.conf", f"sqlite:///{directory / 'ledger.db'}"
        )
        cli = CommandLine(config)
        cli.ok("db", "upgrade")
        project = cloud.new_project("account")
        on_disk = cloud.boot(project, "web-1")
        on_volume = cloud.boot_from_volume(project, "db-1")
        after_active, bare, whole = [], [], []
        with working(config), cloud.connection(project.cloud) as member:
            for number in range(rounds):
                note(f"captures, round {number + 1} of {rounds}")
                after_active.append(_after_active(cli, member, project, on_disk.id))
                bare.append(_bare_volume_capture(member, on_volume.id))
                began = time.time()
                whole.append(_available(cli, project, on_volume.id) - began)
    beyond = [mine - theirs for mine, theirs in zip(whole, bare, strict=True)]
    return {
        "rounds": rounds,
        "active_until_available_seconds": _both(after_active),
        "volume_capture_seconds": _both(whole),
        "bare_steps_seconds": _both(bare),
        "beyond_the_steps_seconds": _both(beyond),
    }


def _both(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "maximum": round(max(values), 2)}


def _begun(cli: CommandLine, project: Project, server_id: str) -> tuple[Database, str]:
    asked = ("image", "create", server_id, "--name", "golden", "--account", project.id)
    return cli.application.database, str(cli.ok(*asked).json["id"])


def _is_available(database: Database, image_id: str) -> bool:
    with database.reading() as connection:
        return images.get_image(connection, image_id).status is ImageStatus.AVAILABLE


def _after_active(cli: CommandLine, member: Any, project: Project, server_id: str) -> float:
    database, image_id = _begun(cli, project, server_id)
    with database.reading() as connection:
        cloud_id = images.get_image(connection, image_id).cloud_image_id
    active = _waited(lambda: member.image.get_image(cloud_id).status == "active", 0.02)
    return _waited(lambda: _is_available(database, image_id), 0.02) - active


def _available(cli: CommandLine, project: Project, server_id: str) -> float:
    database, image_id = _begun(cli, project, server_id)
    return _waited(lambda: _is_available(database, image_id), 0.02)


def _bare_volume_capture(member: Any, server_id: str) -> float:
    """Take the same steps by hand, each as soon as the one before is ready."""
    storage = member.block_storage
    [attached] = list(member.compute.volume_attachments(server_id))
    began = time.time()
    snapshot = storage.create_snapshot(volume_id=attached.volume_id, force=True, name="bare")
    _waited(lambda: storage.get_snapshot(snapshot.id).status == "available")
    volume = storage.create_volume(snapshot_id=snapshot.id, size=1, name="bare")
    _waited(lambda: storage.get_volume(volume.id).status == "available")
    sent = storage.upload_volume_to_image(
        volume.id, "bare", disk_format="raw", container_format="bare"
    )
    ended = _waited(lambda: member.image.get_image(sent["image_id"]).status == "active")
    _waited(lambda: storage.get_volume(volume.id).status == "available")
    storage.delete_volume(volume.id)
    return ended - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few objects, without a cloud")
    parser.add_argument("--only", choices=("tasks", "captures"), help="one half of it")
    parser.add_argument("--rounds", type=int, help="captures of each kind")
    parser.add_argument("--running", type=Path, metavar="STATE", help="a cloud that is there")
    parser.add_argument("--keep", action="store_true", help="write the result to results/")
    options = parser.parse_args()
    seconds, count, rounds, warm_up_seconds = (2, 20, 0, 2) if options.quick else (60, 1000, 10, 20)
    result: dict[str, Any] = {"machine": machine("SQLAlchemy", "openstacksdk")}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        site = installed_memory_cloud.install(directory / "site")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
        if options.only != "captures":
            with ledger(directory) as (database, config):
                note("an idle worker")
                result["idle"] = measure_idle(config, seconds, warm_up_seconds // 2)
                result["checks"] = measure_checks(database, config, count, seconds, warm_up_seconds)
        if rounds and options.only != "tasks":
            result["captures"] = measure_captures(
                directory / "captures", options.rounds or rounds, options.running
            )
    report("worker", result, keep=options.keep)


if __name__ == "__main__":
    main()
