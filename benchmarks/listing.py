"""What ``image sync`` costs beyond the pages of Glance's list of images that it has to read.

Whole processes, in pairs, in one run, on a real Glance whose database is filled with rows as Nova
leaves them: ``instance-images image sync``, which compares each image with its own record, and a
bare script that makes the same requests. The medians of the pairs' ratios are what counts.
"""

import argparse
import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measuring import interleaved, machine, median, note, report, spread

from support.clouds.embedded_cloud import EmbeddedCloud

HERE = Path(__file__).resolve().parent
PRODUCT = str(Path(sys.executable).with_name("instance-images"))
BARE = [sys.executable, str(HERE / "bare_listing.py"), "admin"]
PROPERTIES = {
    "image_type": "snapshot",
    "base_image_ref": "11d92d31-45b2-49f6-a006-6265489efce2",
    "instance_uuid": "ddc78484-9c69-4c2d-8c7d-ecce0c899b2c",
    "image_location": "snapshot",
    "image_state": "available",
    "boot_roles": "member,reader",
    "owner_project_name": "demo",
    "owner_user_name": "demo",
    "user_id": "be7c9623245a4164a23d3e2f9dc83be5",
    "hw_disk_bus": "virtio",
    "hw_vif_model": "virtio",
    "hw_machine_type": "pc",
}


def fill(cloud: EmbeddedCloud, projects: Sequence[str], count: int) -> None:
    """Write that many images of the projects into Glance's database, as Nova's captures are."""
    at = "2026-11-01 12:00:00.000000"
    ids = [str(uuid.uuid4()) for _ in range(count)]
    images = [
        (i, f"image {n}", "qcow2", "bare", 10**9 + n, 10**10, "active", "private", 1, 0,
         projects[n % len(projects)], 0, 0, at, at, 0)
        for n, i in enumerate(ids)
    ]  # fmt: skip
    properties = [(i, name, value, at, at, 0) for i in ids for name, value in PROPERTIES.items()]
    locations = [(i, f"file:///{i}", '{"store": "files"}', "active", at, at, 0) for i in ids]
    path = cloud.state_dir / "db" / "glance.sqlite"
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as glance, glance:
        glance.executemany(
            "INSERT INTO images (id, name, disk_format, container_format, size, virtual_size,"
            " status, visibility, min_disk, min_ram, owner, protected, os_hidden, created_at,"
            f" updated_at, deleted) VALUES ({','.join('?' * 16)})",
            images,
        )
        glance.executemany(
            "INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            properties,
        )
        glance.executemany(
            "INSERT INTO image_locations (image_id, value, meta_data, status, created_at,"
            " updated_at, deleted) VALUES (?, ?, ?, ?, ?, ?, ?)",
            locations,
        )


def peak_mb(command: Sequence[str]) -> float:
    """Return the peak memory of a command that must succeed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return round(usage.ru_maxrss / 1000, 1)


def measure(ours: Sequence[str], images: int, pairs: int) -> dict[str, Any]:
    """Measure a location of which all is on record, and the reading that put it there."""
    note(f"{images} images: the first reading, which adopts them")
    began = time.perf_counter()
    subprocess.run(ours, check=True, stdout=subprocess.DEVNULL)
    adopting_seconds = time.perf_counter() - began
    note(f"{images} images: {pairs} pairs")
    costs = interleaved({"ours": ours, "bare": BARE}, pairs)
    both = list(zip(costs["ours"], costs["bare"], strict=True))
    wall = [a.wall_seconds / b.wall_seconds for a, b in both]
    cpu = [a.cpu_seconds / b.cpu_seconds for a, b in both]
    return {
        "images": images,
        "wall_ratio": median(wall),
        "wall_ratio_quartiles": spread(wall),
        "cpu_ratio": median(cpu),
        "ours_seconds": median([cost.wall_seconds for cost in costs["ours"]]),
        "bare_seconds": median([cost.wall_seconds for cost in costs["bare"]]),
        "first_reading_seconds": round(adopting_seconds, 3),
        "ours_peak_mb": peak_mb(ours),
        "bare_peak_mb": peak_mb(BARE),
    }


def main() -> None:
    """Measure at a tenth of the images and at all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--keep", action="store_true", help="write results/listing.json")
    options = parser.parse_args()
    if options.quick:
        options.pairs, options.images = 1, 100
    with tempfile.TemporaryDirectory(prefix="listing-") as directory:
        place = Path(directory)
        with EmbeddedCloud.running(place / "cloud", services=()) as cloud:
            os.environ["OS_CLIENT_CONFIG_FILE"] = str(cloud.clouds_yaml)
            config_file = place / "instance-images.conf"
            config_file.write_text(
                "[DEFAULT]\nlocations = RegionOne\n"
                f"[database]\nconnection = sqlite:///{place / 'ledger.db'}\n"
                "[location:RegionOne]\ncloud = admin\n"
            )
            product = [PRODUCT, "--config-file", str(config_file)]
            subprocess.run([*product, "db", "upgrade"], check=True, stdout=subprocess.DEVNULL)
            projects = [cloud.new_project("account").id for _ in range(20)]
            ours = [*product, "image", "sync"]
            few = options.images // 10
            fill(cloud, projects, few)
            results = [measure(ours, few, options.pairs)]
            fill(cloud, projects, options.images - few)
            results.append(measure(ours, options.images, options.pairs))
    described = machine("openstacksdk", "SQLAlchemy")
    report("listing", {"machine": described, "results": results}, keep=options.keep)


if __name__ == "__main__":
    main()
