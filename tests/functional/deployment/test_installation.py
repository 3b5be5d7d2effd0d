"""The commands of the installation guide, run in their order as root on a machine of their own.

The machine is a mount namespace: /etc, /opt, /usr/local and /var are layers that vanish at its end.
"""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.clouds.embedded_cloud import CHECKOUT, EmbeddedCloud, python

pytestmark = [pytest.mark.cloud, pytest.mark.all]

GUIDE = CHECKOUT / "doc" / "source" / "install" / "installation.md"
# The system's own Python: one below /root cannot be run by another user.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LAYERED = ("/etc", "/opt", "/usr/local", "/var")
# What needs a running systemd, and the user, whose part that of the embedded cloud plays.
NOT_RUN = (
    "systemctl ",
    "openstack --os-cloud admin user create ",
    "openstack --os-cloud admin role add ",
)
# What systemd would begin: the command of a unit, as its user, with its environment, until the
# script ends; and a request that is repeated until somebody answers.
SERVE = """
start() {
    local unit=/etc/systemd/system/$1.service
    local variables=$(sed -n 's/^Environment=//p' $unit)
    local command=$(sed -n 's/^ExecStart=//p' $unit)
    command=${command/:8794/127.0.0.1:PORT}
    local user=$(sed -n 's/^User=//p' $unit)
    (cd / && exec runuser -u $user -- env -i HOME=/ $variables $command) &
    trap 'kill $(jobs -p)' EXIT
}
answer() { python3 - "$@" <<'END'
import sys, time, urllib.error, urllib.request
url, token = sys.argv[1:]
for _ in range(600):
    try:
        request = urllib.request.Request(url, headers={"X-Auth-Token": token})
        with urllib.request.urlopen(request) as told:
            print(told.status, told.read().decode())
        break
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode())
        break
    except OSError:
        time.sleep(0.1)
END
}
"""


def commands() -> str:
    """Return the shell commands of the guide, without those of ``NOT_RUN``."""
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).splitlines()
    return "\n".join(line for line in lines if not line.startswith(NOT_RUN))


def on_a_machine_of_its_own(layers: Path, script: str, source: Path, home: Path) -> str:
    """Run the script as root where the layered directories are the machine's own; return output."""
    mounts = [
        f"mkdir -p {layers}{name}/upper {layers}{name}/work && mount -t overlay overlay -o"
        f" lowerdir={name},upperdir={layers}{name}/upper,workdir={layers}{name}/work {name}"
        for name in LAYERED
    ]
    client = Path(python()[0]).with_name("openstack")
    lines = [f"mount -t tmpfs tmpfs {layers}", *mounts, f"ln -s {client} /usr/local/bin/"]
    lines += [f"cd {source}", script]
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-euc", "\n".join(lines)],
        env={"PATH": PATH, "HOME": str(home), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The source as it is unpacked, which pip may write into."""
    target = tmp_path / "source"
    target.mkdir()
    subprocess.run(
        f"git ls-files -z --cached --others --exclude-standard"
        f" | tar --null --files-from=- -c | tar -x -C {target}",
        cwd=CHECKOUT,
        shell=True,
        check=True,
    )
    return target


@pytest.fixture
def new_cloud(tmp_path: Path) -> Iterator[EmbeddedCloud]:
    """A cloud that holds nothing, so that the doctor has nothing to find."""
    with EmbeddedCloud.running(tmp_path / "cloud", services=()) as cloud:
        yield cloud


def test_commands_of_the_guide_work_in_their_order(
    new_cloud: EmbeddedCloud, source: Path, tmp_path: Path
) -> None:
    assert os.geteuid() == 0, "the guide's commands are for root: run ./dev test --all as root"
    home, layers = tmp_path / "home", tmp_path / "layers"
    home.mkdir()
    layers.mkdir()
    clouds = yaml.safe_load(new_cloud.clouds_yaml.read_text())
    (home / "clouds.yaml").write_text(yaml.safe_dump(clouds))
    cron = (CHECKOUT / "etc" / "cron.d" / "instance-images").read_text()
    variables = " ".join(re.findall(r"^[A-Z_]+=.*$", cron, re.MULTILINE))
    [(user, command)] = re.findall(r"^5 .*\* +(\S+) +(.+)$", cron, re.MULTILINE)
    hourly = f"runuser -u {user} -- env -i {variables} sh -c '{command}'"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    auth = clouds["clouds"]["admin"]["auth"]
    guide = commands()
    for example, ours in {
        "http://controller.example.com:8794": f"http://127.0.0.1:{port}",
        "https://identity.example.com/v3": auth["auth_url"],
        "username = instance-images": f"username = {auth['username']}",
        "password = SECRET": f"password = {auth['password']}",
        "project_name = service": f"project_name = {auth['project_name']}",
    }.items():
        assert example in guide
        guide = guide.replace(example, ours)
    openstack = "openstack --os-cloud admin"
    output = on_a_machine_of_its_own(
        layers,
        f"{guide}\n{hourly} && echo hourly run: $?\n"
        "stat -c %U /var/lib/instance-images/instance-images.db\n"
        f"{SERVE.replace('PORT', port)}\n"
        "start instance-images-api\n"
        "start instance-images-worker\n"
        "echo health: $(answer $URL/healthcheck '')\n"
        f"URL=$({openstack} endpoint list --service instance-images -f value -c URL)\n"
        f"echo locations: $(answer $URL/locations $({openstack} token issue -f value -c id))\n"
        "echo services: $(jobs -r | wc -l)\n"
        "chown root /var/lib/instance-images/instance-images.db\n"
        f"{hourly} 2>&1 || echo as root: $?",
        source,
        home,
    )

    assert "hourly run: 0\ninstance-images\n" in output, output[-3000:]
    assert "which belongs to user root" in output
    assert "as root: 4" in output
    assert "services: 2" in output, output[-3000:]
    assert "health: 200" in output, output[-3000:]
    assert 'locations: 200 {"locations": [{"name": "RegionOne"' in output, output[-3000:]
