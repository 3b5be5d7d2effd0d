"""What our pages cost Horizon, beside its own: My Images beside Images, and the list of instances.

On a running cloud with the API. All pages are asked for in one process of Horizon, in pairs with
alternating order; requests to the services are real. The ratio of the medians is what counts.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from measuring import machine, note, report

from instance_images.db.engine import Database
from instance_images.db.tables import images
from instance_images_client.sdk import add_to

from support.clouds.embedded_cloud import CHECKOUT, PASSWORD, EmbeddedCloud
from support.dashboard.environment import dashboard_python
from support.processes import dashboard_server

PROJECT = "demo"
PAGES = Path(__file__).with_name("dashboard_pages.py")


def main() -> None:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--images", type=int, default=100, help="of the project, in both lists")
    parser.add_argument("--instances", type=int, default=10)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument(
        "--running",
        type=Path,
        metavar="DIRECTORY",
        help="a running cloud, such as .dev/cloud of './dev cloud up --with api,neutron'",
    )
    arguments = parser.parse_args()
    if arguments.running:
        measure(arguments.running, arguments)
        return
    subprocess.run([CHECKOUT / "dev", "cloud", "up", "--with", "api,neutron"], check=True)
    try:
        measure(CHECKOUT / ".dev" / "cloud", arguments)
    finally:
        subprocess.run([CHECKOUT / "dev", "cloud", "down"], check=True)


def measure(state: Path, arguments: argparse.Namespace) -> None:
    """Fill the lists, measure the pages, and report."""
    cloud = EmbeddedCloud(state)
    fill(cloud, state.with_name("cloud-api") / "instance-images.db", arguments)
    home = Path(tempfile.mkdtemp(prefix="dashboard-benchmark-"))
    try:
        _, environment = dashboard_server.prepared(cloud, home, 0)
        note(f"{arguments.pairs} pairs of pages")
        done = subprocess.run(
            [dashboard_python(), "-W", "ignore", PAGES, PROJECT, PASSWORD, str(arguments.pairs)],
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-4000:])
    finally:
        shutil.rmtree(home)
    result: dict[str, Any] = {
        "machine": machine("instance-images"),
        "images": arguments.images,
        "instances": arguments.instances,
        "pairs": arguments.pairs,
        **json.loads(done.stdout.splitlines()[-1]),
    }
    report("dashboard", result, keep=arguments.keep)


def fill(cloud: EmbeddedCloud, database_file: Path, arguments: argparse.Namespace) -> None:
    """Let the project have so many instances, images, and images of Glance."""
    note("filling the lists")
    with cloud.connection(PROJECT) as connection:
        servers = list(connection.compute.servers())
        for number in range(len(servers), arguments.instances):
            servers.append(cloud.boot(PROJECT, f"web-{number}"))
        ours = add_to(connection)
        if not list(ours.images(limit=1)):
            made = ours.create_image(name="golden", source_instance_id=servers[0].id)
            ours.wait_for_task(made.task_id, interval=0.2)
        copy_images(database_file, arguments.images)
        theirs: Any = connection.image
        own = theirs.images(owner=connection.current_project_id)
        for number in range(len(list(own)), arguments.images):
            theirs.create_image(
                f"copy-{number}", data=b"x", disk_format="raw", container_format="bare"
            )


def copy_images(database_file: Path, count: int) -> None:
    """Copy the newest record of an image until there are so many."""
    database = Database(f"sqlite:///{database_file}")
    with database.writing() as connection:
        newest = sa.select(images).order_by(images.c.created_at.desc()).limit(1)
        row = dict(connection.execute(newest).mappings().one())
        held = connection.execute(sa.select(sa.func.count()).select_from(images)).scalar_one()
        for number in range(held, count):
            cloud_image_id = str(uuid.uuid4())
            change = {
                "image_id": str(uuid.uuid4()),
                "cloud_image_id": cloud_image_id,
                "living_key": f"{row['image_service']} {cloud_image_id}",
                "name": f"golden-{number}",
                "created_at": row["created_at"] - timedelta(seconds=number),
            }
            connection.execute(sa.insert(images), {**row, **change})
    database.engine.dispose()


if __name__ == "__main__":
    main()
