"""What a command of the client costs beyond one of the openstack client itself.

Whole processes, in turn, in one run: ``openstack custom image list`` and ``openstack image list``
of a project with as many images in both lists. The ratio of the medians is what counts.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from measuring import interleaved, machine, median, note, report, spread

from instance_images.db.engine import Database
from instance_images.db.schema import upgrade
from instance_images_client.sdk import add_to

from support.clouds.embedded_cloud import EmbeddedCloud
from support.worlds.api_world import open_office

IMAGES = 3


def main() -> None:
    """Measure, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="2 rounds")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument(
        "--running",
        type=Path,
        metavar="DIRECTORY",
        help="on a running cloud with the API, such as .dev/cloud of './dev cloud up --with api'",
    )
    arguments = parser.parse_args()
    rounds = 2 if arguments.quick else arguments.rounds
    if arguments.running:
        measure(EmbeddedCloud(arguments.running), rounds, keep=arguments.keep)
        return
    directory = Path(tempfile.mkdtemp(prefix="client-start-"))
    try:
        measure_in(directory, rounds, keep=arguments.keep)
    finally:
        shutil.rmtree(directory)


def measure_in(directory: Path, rounds: int, *, keep: bool) -> None:
    """Measure on a cloud of their own."""
    database = directory / "empty.db"
    made = Database(f"sqlite:///{database}")
    upgrade(made)
    made.engine.dispose()
    note("starting the cloud and the API")
    with (
        EmbeddedCloud.running(directory / "cloud") as cloud,
        open_office(cloud, database, directory),
    ):
        measure(cloud, rounds, keep=keep)


def measure(cloud: EmbeddedCloud, rounds: int, *, keep: bool) -> None:
    """Run both commands in turn, and report what they cost."""
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(cloud.clouds_yaml)
    os.environ["OS_CLOUD"] = "demo"
    fill(cloud)
    client = [sys.executable, "-m", "openstackclient.shell"]
    commands = {
        "openstack image list": [*client, "image", "list", "--private"],
        "openstack custom image list": [*client, "custom", "image", "list"],
    }
    note(f"{rounds} rounds")
    costs = interleaved(commands, rounds)
    theirs, ours = costs.values()
    pairs = list(zip(ours, theirs, strict=True))
    result = {
        "machine": machine("instance-images-client", "python-openstackclient", "openstacksdk"),
        "rounds": rounds,
        "wall_seconds": {k: median([c.wall_seconds for c in v]) for k, v in costs.items()},
        "cpu_seconds": {k: median([c.cpu_seconds for c in v]) for k, v in costs.items()},
        "wall_ratio": median([a.wall_seconds / b.wall_seconds for a, b in pairs]),
        "wall_ratio_quartiles": spread([a.wall_seconds / b.wall_seconds for a, b in pairs]),
        "cpu_ratio": median([a.cpu_seconds / b.cpu_seconds for a, b in pairs]),
    }
    report("client_start", result, keep=keep)


def fill(cloud: EmbeddedCloud) -> None:
    """Capture the images that both commands list."""
    server = cloud.boot("demo", "web-1")
    with cloud.connection("demo") as connection:
        images = add_to(connection)
        for number in range(len(list(images.images())), IMAGES):
            made = images.create_image(name=f"golden-{number}", source_instance_id=server.id)
            images.wait_for_task(made.task_id, interval=0.2)


if __name__ == "__main__":
    main()
