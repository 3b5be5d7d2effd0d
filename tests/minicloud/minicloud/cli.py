"""The command: ``up``, ``down`` and ``status``."""

import argparse
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

from minicloud import cloud as clouds
from minicloud import launch, processes
from minicloud.cloud import PASSWORD, Cloud

EPILOGUE = """\
examples:
  python -m minicloud up --state /tmp/cloud --with neutron,heat
  python -m minicloud status --state /tmp/cloud
  python -m minicloud down --state /tmp/cloud --purge
"""


def main() -> int:
    """Run the command; returns its exit code."""
    arguments = parse()
    sys.pycache_prefix, sys.dont_write_bytecode = str(arguments.cache / "bytecode"), False
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" has it ignored
    try:
        commands = {"up": up, "down": down, "status": status}
        return commands[arguments.command](arguments)
    except launch.CloudError as error:
        print(f"minicloud: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("minicloud: interrupted, nothing is left running", file=sys.stderr)
        return 130


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="minicloud",
        description="An embedded OpenStack cloud for tests, on 127.0.0.1.",
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("up", "start the cloud"),
        ("down", "end the cloud"),
        ("status", "tell what runs, and where"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--state", type=Path, required=True, help="the cloud's directory")
        command.add_argument("--cache", type=Path, help="templates, byte code (STATE/cache)")
        if name == "up":
            add_up_options(command)
        if name == "down":
            command.add_argument("--purge", action="store_true", help="remove the state too")
    arguments = parser.parse_args()
    arguments.state = arguments.state.absolute()
    arguments.cache = (arguments.cache or arguments.state / "cache").absolute()
    return arguments


def add_up_options(command: argparse.ArgumentParser) -> None:
    """Declare what only ``up`` understands."""
    command.add_argument(
        "--with",
        dest="more",
        type=services,
        default=(),
        metavar="SERVICES",
        help="more services, separated by commas: neutron, heat",
    )
    command.add_argument("--limits", action="store_true", help="Glance asks Keystone for limits")
    command.add_argument("--notify", metavar="URL", help="send notifications to this broker")
    command.add_argument(
        "--tied",
        action="store_true",
        help="stay; end the cloud when standard input or the parent process ends",
    )
    command.add_argument("--fresh", action="store_true", help="forget the cloud that was here")


def services(text: str) -> tuple[str, ...]:
    """Read the value of --with."""
    names = tuple(name for name in clouds.ALL if name in text.split(","))
    unknown = set(text.split(",")) - set(clouds.ALL) - {""}
    if unknown:
        raise argparse.ArgumentTypeError(f"no such service: {', '.join(sorted(unknown))}")
    return names


def up(arguments: argparse.Namespace) -> int:
    """Start the cloud, and stay if it is to be tied to us."""
    began = time.monotonic()
    wanted = Cloud(
        state=arguments.state,
        cache=arguments.cache,
        services=tuple(n for n in clouds.ALL if n in {*clouds.DEFAULT, *arguments.more}),
        limits=arguments.limits,
        notify_url=arguments.notify,
    )
    warn_of_missing_programs(wanted)
    print(f"starting {' '.join(wanted.services)} in {wanted.state}", flush=True)
    leash = Leash(arguments.tied)
    started = launch.start(wanted, arguments.fresh, leash.cut)
    if started.supervisor is None:
        if arguments.tied:
            raise launch.CloudError(f"a cloud is up in {wanted.state} already: end it first")
        describe(started.cloud, started.how)
        return 0
    describe(started.cloud, f"up {started.how} after {time.monotonic() - began:.1f} s")
    if not arguments.tied:
        launch.detach(started.supervisor)
        return 0
    print("tied: ends with the standard input or the parent of this command", flush=True)
    try:
        while not leash.cut(wait_seconds=0.5):
            if started.supervisor.poll() is not None:
                raise launch.CloudError(launch.last_lines(wanted.log("supervisor")))
    finally:
        launch.release(started.supervisor)
    return 0


class Leash:
    """What a tied cloud hangs on: our standard input and our parent."""

    def __init__(self, tied: bool) -> None:
        self._tied = tied
        self._parent = os.getppid()

    def cut(self, wait_seconds: float = 0.0) -> bool:
        """Tell whether either has ended; waits so long for it."""
        if not self._tied:
            return False
        readable = select.select([0], [], [], wait_seconds)[0]
        return bool(readable and not os.read(0, 4096)) or os.getppid() != self._parent


def warn_of_missing_programs(cloud: Cloud) -> None:
    """Warn when Cinder will lack qemu-img."""
    if "cinder" in cloud.services and shutil.which("qemu-img") is None:
        print(
            "warning: qemu-img is not installed, so that Cinder knows raw images and our own qcow2"
            " only; everything else works (Debian: apt install qemu-utils)",
            file=sys.stderr,
        )


def describe(cloud: Cloud, how: str) -> None:
    """Tell how to use the cloud."""
    print(f"{how}; logs in {cloud.state / 'log'}")
    for name in cloud.services:
        print(f"  {name:<10} {cloud.endpoint(name)}")
    print(f"clouds admin, demo, other, stacks; every password is {PASSWORD}:")
    print(f"  export OS_CLIENT_CONFIG_FILE={cloud.clouds_yaml}")
    print(f"  {Path(sys.executable).parent / 'openstack'} --os-cloud demo server list", flush=True)


def down(arguments: argparse.Namespace) -> int:
    """End the cloud."""
    cloud = clouds.load(arguments.state)
    if cloud is None:
        print(f"no cloud in {arguments.state}")
        return 0
    was_up = launch.stop(arguments.state)
    print(f"ended the cloud in {cloud.state}" if was_up else f"no cloud was up in {cloud.state}")
    if arguments.purge:
        launch.purge(cloud)
        print(f"removed {cloud.state}")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Tell what runs; exit code 1 if the cloud is not up."""
    cloud = clouds.load(arguments.state)
    if cloud is None or launch.supervisor_pid(arguments.state) is None:
        print(f"no cloud is up in {arguments.state}")
        return 1
    for name in cloud.processes:
        pid = processes.running(cloud.run(f"{name}.pid"))
        ready = cloud.run(f"{name}.ready").exists()
        state = "switched off" if pid is None else "ready" if ready else "starting"
        stand_in = "" if name in cloud.services else " (stand-in without networks)"
        print(f"{name:<10} {pid or '-':>8}  {state:<12} {cloud.endpoint(name)}{stand_in}")
    return 0
