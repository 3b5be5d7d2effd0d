"""What the command line costs beyond the API calls that it makes.

Whole processes, in pairs, in one run: ``instance-images image list`` and a bare script that makes
the same calls of the cloud's API with openstacksdk (checked in the services' logs). The medians
of the pairs' ratios are what counts; seconds depend on the machine.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring import Cost, interleaved, machine, median, note, report, spread

from support.clouds.embedded_cloud import EmbeddedCloud, python

HERE = Path(__file__).resolve().parent

PRODUCT = str(Path(sys.executable).with_name("instance-images"))
BARE = [sys.executable, str(HERE / "bare_image_list.py"), "admin"]
SERVICES = ("keystone", "glance", "nova")
_REQUEST = re.compile(r'minicloud\.wsgi .*"((?:GET|POST|PUT|DELETE|HEAD) \S+) HTTP')
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Installation:
    """A configured product on an embedded cloud, with images of one account."""

    cloud: EmbeddedCloud
    config_file: Path
    account: str

    def command(self, *arguments: str) -> list[str]:
        """Return a command line of the product."""
        return [PRODUCT, "--config-file", str(self.config_file), *arguments]

    def ask(self, *arguments: str) -> Any:
        """Run a command, and return what it prints as JSON."""
        done = subprocess.run(self.command(*arguments), check=True, capture_output=True, text=True)
        return json.loads(done.stdout)


@contextmanager
def installation(directory: Path, images: int) -> Iterator[Installation]:
    """Yield the product on a cloud of its own, with that many images available."""
    with EmbeddedCloud.running(directory / "cloud", services=()) as cloud:
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(cloud.clouds_yaml)
        project = cloud.new_project("account")
        slow = {"minicloud_snapshot_delay": "86400"}
        config_file = directory / "instance-images.conf"
        config_file.write_text(
            f"[DEFAULT]\nlocations = RegionOne\n[limits]\nmax_images = {images + 10}\n"
            f"[database]\nconnection = sqlite:///{directory / 'ledger.db'}\n"
            "[location:RegionOne]\ncloud = admin\n"
        )
        cloud.boot(project, "source")
        cloud.boot(project, "slow", metadata=slow)
        made = Installation(cloud, config_file, project.name)
        subprocess.run(made.command("db", "upgrade"), check=True, stdout=subprocess.DEVNULL)
        for number in range(images):
            note(f"capturing image {number + 1} of {images}")
            arguments = ("--name", f"image-{number}", "--account", project.name, "--wait")
            made.ask("image", "create", "source", *arguments)
        yield made


def requests_of(cloud: EmbeddedCloud, command: Sequence[str]) -> Counter[str]:
    """Return the requests that the services log while the command runs."""
    before = _logged(cloud)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return _logged(cloud) - before


def _logged(cloud: EmbeddedCloud) -> Counter[str]:
    return Counter(
        f"{service} {request}"
        for service in SERVICES
        # Services that check a token with Keystone log that too; it is the same on both sides.
        for request in _REQUEST.findall((cloud.log_dir / f"{service}.log").read_text())
        if request != "GET /v3/auth/tokens"
    )


def compare(ours: Sequence[str], bare: Sequence[str], pairs: int) -> dict[str, Any]:
    """Measure both commands in pairs; return the ratios of each pair and the medians."""
    costs = interleaved({"ours": ours, "bare": bare}, pairs)
    wall = _ratios(costs, lambda cost: cost.wall_seconds)
    cpu = _ratios(costs, lambda cost: cost.cpu_seconds)
    return {
        "wall_ratio": median(wall),
        "wall_ratio_quartiles": spread(wall),
        "cpu_ratio": median(cpu),
        "cpu_ratio_quartiles": spread(cpu),
        **{f"{name}_seconds": _seconds(costs[name]) for name in costs},
    }


def _ratios(costs: dict[str, list[Cost]], of: Callable[[Cost], float]) -> list[float]:
    return [of(a) / of(b) for a, b in zip(costs["ours"], costs["bare"], strict=True)]


def _seconds(costs: Sequence[Cost]) -> float:
    return median([cost.wall_seconds for cost in costs])


def help_seconds(rounds: int) -> dict[str, float]:
    """Return how long help takes, beside the interpreter alone and the import of the SDK."""
    costs = interleaved(
        {
            "help": [PRODUCT, "--help"],
            "image_help": [PRODUCT, "image", "--help"],
            "python_alone": [sys.executable, "-c", "pass"],
            "import_openstack": [sys.executable, "-c", "import openstack"],
        },
        rounds,
    )
    return {f"{name}_seconds": _seconds(costs[name]) for name in costs}


def image_list(made: Installation, pairs: int) -> dict[str, Any]:
    """Measure ``image list`` with nothing under way, then with one capture under way."""
    ours = made.command("image", "list", "--account", made.account)
    bare = [*BARE, made.account]
    idle = _same_calls(made.cloud, ours, bare)
    note("image list, nothing under way")
    result = {"nothing_under_way": {"requests": idle, **compare(ours, bare, pairs)}}
    image = made.ask("image", "create", "slow", "--name", "slow", "--account", made.account)
    bare += [image["cloud_image_id"], image["source_instance_id"]]
    busy = _same_calls(made.cloud, ours, bare)
    note("image list, one capture under way")
    result["one_capture_under_way"] = {"requests": busy, **compare(ours, bare, pairs)}
    client = Path(python()[0]).with_name("openstack")
    if client.exists():
        note("openstack image list, for comparison")
        command = [str(client), "--os-cloud", "admin", "image", "list"]
        seconds = [
            cost.wall_seconds for cost in interleaved({"client": command}, min(pairs, 5))["client"]
        ]
        result["openstack_client"] = {"image_list_seconds": median(seconds)}
    return result


def _same_calls(cloud: EmbeddedCloud, ours: Sequence[str], bare: Sequence[str]) -> list[str]:
    """Return the requests of both commands; raise if they are not the same."""
    for _ in range(5):
        requests = requests_of(cloud, ours)
        others = requests_of(cloud, bare)
        if requests == others:
            break  # else a service asked another one at the same moment, as Nova does Glance
    else:
        raise RuntimeError(
            f"only the product: {sorted((requests - others).elements())};"
            f" only the bare script: {sorted((others - requests).elements())}"
        )
    return [_UUID.sub("ID", request) for request in sorted(requests.elements())]


def imports(command: Sequence[str], shown: int = 25) -> str:
    """Return which packages a command imports, and the milliseconds that each takes."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command], check=True, capture_output=True, text=True
    )
    totals: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        found = re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line)
        if found:
            package = found[2].partition(".")[0]
            totals[package] += int(found[1])
            modules[package] += 1
    rows = [f"{us / 1000:8.1f} ms {modules[name]:5} {name}" for name, us in totals.most_common()]
    return "\n".join([f"{sum(totals.values()) / 1000:8.1f} ms {len(totals):5} all", *rows[:shown]])


def main() -> None:
    """Measure, and print the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=30, help="pairs per comparison")
    parser.add_argument("--images", type=int, default=3, help="images of the account")
    parser.add_argument("--imports", action="store_true", help="print what is imported instead")
    parser.add_argument("--quick", action="store_true", help="a few of everything: does it run?")
    parser.add_argument("--keep", action="store_true", help="write results/command_overhead.json")
    options = parser.parse_args()
    if options.quick:
        options.pairs, options.images = 1, 1
    with (
        tempfile.TemporaryDirectory() as directory,
        installation(Path(directory), options.images) as made,
    ):
        if options.imports:
            ours = made.command("image", "list", "--account", made.account)
            for command in ([PRODUCT, "--help"], ours, [*BARE[1:], made.account]):
                print(f"\n{' '.join(Path(word).name for word in command)}\n{imports(command)}")
            return
        result = {
            **machine("instance-images", "openstacksdk", "SQLAlchemy", "oslo.config", "click"),
            "pairs": options.pairs,
            "help": help_seconds(options.pairs),
            "image_list": image_list(made, options.pairs),
        }
    report("command_overhead", result, keep=options.keep)


if __name__ == "__main__":
    main()
