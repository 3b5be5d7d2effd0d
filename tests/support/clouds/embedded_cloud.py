"""The embedded OpenStack cloud as the tests see it: it starts, is used, and is made to fail.

The cloud itself, ``tests/minicloud``, runs in an environment of its own; this module runs in the
product's and needs only openstacksdk. It talks to the cloud through its public APIs, and through
three things in its state directory: ``cloud.json`` (where it answers), ``run/`` (its processes) and
``faults.json`` (the faults that a test asks for).
"""

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from openstack.compute.v2.server import Server
from openstack.config import OpenStackConfig
from openstack.config.cloud_region import CloudRegion
from openstack.connection import Connection

CHECKOUT = Path(__file__).resolve().parents[3]
PASSWORD = "minicloud"
SEEDED = ("base-linux", "m1.tiny")
STOP_SECONDS = 30.0
PATIENCE_SECONDS = 60.0

Action = int | Literal["drop-before", "drop-after", "page", "delay"]


@dataclass(frozen=True, slots=True)
class Project:
    """A customer's project with one member; ``cloud`` names the member as one who connects."""

    id: str
    name: str
    user_name: str
    cloud: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A customer's domain, in whose projects the operator has his roles."""

    id: str
    name: str


DEFAULT_DOMAIN = Domain("default", "Default")


class EmbeddedCloud:
    """A running cloud."""

    def __init__(self, state_dir: Path, greeting: str = "") -> None:
        document = json.loads((state_dir / "cloud.json").read_text())
        self.state_dir = state_dir
        self.log_dir = state_dir / "log"
        self.clouds_yaml = state_dir / "clouds.yaml"
        self.endpoints: dict[str, str] = document["endpoints"]
        self.greeting = greeting  # what the command said when the cloud was up
        users = yaml.safe_load(self.clouds_yaml.read_text())["clouds"]
        self._users: dict[str, dict[str, Any]] = users
        self._seeded_ids: dict[str, str] = {}
        self._logins: dict[tuple[str, str | None], CloudRegion] = {}
        self._faults: list[dict[str, Any]] = []

    @classmethod
    @contextlib.contextmanager
    def running(
        cls,
        state_dir: Path,
        services: Sequence[str] = ("neutron",),
        *,
        cache_dir: Path | None = None,
        limits: bool = False,
        notify_url: str | None = None,
        fresh: bool = False,
    ) -> Iterator[Self]:
        """Start a cloud with more services than the default ones, and end it afterwards.

        It is tied to this process, and ends with it in whatever way that ends. The cache of
        templates is kept in the checkout unless ``cache_dir`` says otherwise.
        """
        command = [*python(), "-m", "minicloud", "up", "--tied", "--state", str(state_dir)]
        command += ["--cache", str(cache_dir or CHECKOUT / ".dev" / "cloud-cache")]
        command += ["--with", ",".join(services)]
        command += ["--limits"] * limits + ["--fresh"] * fresh
        command += ["--notify", notify_url] if notify_url else []
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT / "tests" / "minicloud")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the tests, which end the cloud in their order
            text=True,
        )
        try:
            greeting = wait_until_up(process)
            yield cls(state_dir, greeting)
        finally:
            let_go(process)

    def connection(self, cloud: str = "admin", project: Project | str | None = None) -> Connection:
        """Connect as a seeded user or a member, in his own project or in another (or its name).

        A user's token is used for as long as it is good.
        """
        name = project.name if isinstance(project, Project) else project
        if (cloud, name) not in self._logins:
            config = OpenStackConfig(load_yaml_config=False, load_envvars=False)
            scope = {} if name is None else {"project_name": name}
            self._logins[cloud, name] = config.get_one(**self._users[cloud], **scope)
        return Connection(config=self._logins[cloud, name])

    def forget_login(self, project: Project) -> None:
        """Have the project's member log in anew: a test has revoked his token."""
        for login in [one for one in self._logins if one[0] == project.cloud]:
            del self._logins[login]

    def forget_logins(self) -> None:
        """Have everybody log in anew: the catalog has changed."""
        self._logins.clear()

    def new_domain(self, prefix: str = "d") -> Domain:
        """Create a domain whose projects the operator's users have their roles in, by inheritance.

        The user admin has the admin role, and the user stacks the role member.
        """
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        with self.connection() as connection:
            identity: Any = connection.identity
            made = identity.create_domain(name=name)
            for user_name, role_name in (("admin", "admin"), ("stacks", "member")):
                user, role = identity.find_user(user_name), identity.find_role(role_name)
                identity.assign_domain_role_to_user(made.id, user, role, inherited=True)
        return Domain(made.id, name)

    def new_project(self, prefix: str = "t", domain: Domain = DEFAULT_DOMAIN) -> Project:
        """Create a project with one member."""
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        with self.connection() as connection:
            identity: Any = connection.identity  # typed as Keystone's v2 or v3 API
            project = identity.create_project(name=name, domain_id=domain.id)
            user = identity.create_user(
                name=name, password=PASSWORD, domain_id=domain.id, default_project_id=project.id
            )
            for role in ("member", "reader"):
                identity.assign_project_role_to_user(project, user, identity.find_role(role))
        auth = {"username": name, "project_name": name}
        auth |= {"user_domain_name": domain.name, "project_domain_name": domain.name}
        demo = self._users["demo"]
        self._users[name] = {**demo, "auth": {**demo["auth"], **auth}}
        return Project(id=project.id, name=name, user_name=name, cloud=name)

    def new_user_of(self, project: Project, *roles: str) -> Project:
        """Create a user with these roles in the project; return the project as the user's."""
        name = f"u-{uuid.uuid4().hex[:8]}"
        with self.connection() as connection:
            identity: Any = connection.identity
            user = identity.create_user(name=name, password=PASSWORD, domain_id="default")
            for role in roles:
                found = identity.find_role(role) or identity.create_role(name=role)
                identity.assign_project_role_to_user(project.id, user, found)
        member = self._users[project.cloud]
        self._users[name] = {**member, "auth": {**member["auth"], "username": name}}
        return Project(id=project.id, name=project.name, user_name=name, cloud=name)

    def new_operator_user(self, prefix: str) -> str:
        """Create a user without any role, and enter it in clouds.yaml; return its name and entry.

        It asks for no project of its own: whoever connects names one.
        """
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        with self.connection() as connection:
            connection.identity.create_user(name=name, password=PASSWORD, domain_id="default")
        demo = self._users["demo"]
        auth = {key: demo["auth"][key] for key in ("auth_url", "password", "user_domain_name")}
        self._users[name] = {**demo, "auth": {**auth, "username": name}}
        document = yaml.safe_load(self.clouds_yaml.read_text())
        document["clouds"][name] = self._users[name]
        write_atomically(self.clouds_yaml, yaml.safe_dump(document, sort_keys=False))
        return name

    def enter_in_clouds_yaml(self, project: Project) -> None:
        """Let commands use the project's member as a cloud of clouds.yaml.

        Not every member is entered: all commands read the whole file.
        """
        document = yaml.safe_load(self.clouds_yaml.read_text())
        document["clouds"][project.cloud] = self._users[project.cloud]
        write_atomically(self.clouds_yaml, yaml.safe_dump(document, sort_keys=False))

    def boot(
        self,
        project: Project | str,
        name: str = "vm",
        image: str = "base-linux",
        flavor: str = "m1.tiny",
        metadata: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Server:
        """Boot a server without networks as a project's member; image by name or id.

        The metadata steers the compute driver, see the knobs in tests/minicloud/README.md.
        """
        cloud = project.cloud if isinstance(project, Project) else project
        with self.connection(cloud) as connection:
            compute = connection.compute
            server = compute.create_server(
                name=name,
                image_id=self._id_of(connection.image.find_image, image),
                flavor_id=self._id_of(compute.find_flavor, flavor),
                networks="none",
                metadata=dict(metadata or {}),
            )
            if not wait:
                return server
            return compute.wait_for_server(server, interval=0.2, wait=PATIENCE_SECONDS)

    def boot_from_volume(
        self,
        project: Project | str,
        name: str = "vm",
        image: str = "base-linux",
        metadata: Mapping[str, str] | None = None,
        data_volumes: int = 0,
    ) -> Server:
        """Boot a server whose primary disk is a volume of 1 GiB made from the image.

        ``data_volumes``: so many empty volumes are attached besides.
        """
        cloud = project.cloud if isinstance(project, Project) else project
        root = {"boot_index": 0, "source_type": "image", "delete_on_termination": True}
        disks = [root] + [{"boot_index": -1, "source_type": "blank"}] * data_volumes
        with self.connection(cloud) as connection:
            compute = connection.compute
            image_id = self._id_of(connection.image.find_image, image)
            server = compute.create_server(
                name=name,
                flavor_id=self._id_of(compute.find_flavor, "m1.tiny"),
                networks="none",
                metadata=dict(metadata or {}),
                block_device_mapping_v2=[
                    {**disk, "destination_type": "volume", "volume_size": 1}
                    | ({"uuid": image_id} if disk is root else {})
                    for disk in disks
                ],
            )
            return compute.wait_for_server(server, interval=0.2, wait=PATIENCE_SECONDS)

    def _id_of(self, find: Callable[..., Any], reference: str) -> str:
        """Return the id of an image or a flavor; those that every cloud has are found once."""
        if reference not in self._seeded_ids:
            found = str(find(reference, ignore_missing=False).id)
            if reference not in SEEDED:
                return found
            self._seeded_ids[reference] = found
        return self._seeded_ids[reference]

    def volume_content(self, volume_id: str) -> bytes:
        """Return all bytes of a volume, as they are in the back end's file."""
        path = self.state_dir / "data" / "cinder" / "volumes" / f"volume-{volume_id}"
        return path.read_bytes()

    def base_image_content(self) -> bytes:
        """Return the bytes of the public image."""
        with self.connection() as connection:
            found = connection.image.find_image("base-linux", ignore_missing=False)
            return bytes(connection.image.download_image(found.id).content)

    def pause_service(self, name: str) -> None:
        """Freeze a service: connections are accepted and nobody answers."""
        os.kill(self._pid(name), signal.SIGSTOP)

    def resume_service(self, name: str) -> None:
        """Let a frozen service go on."""
        os.kill(self._pid(name), signal.SIGCONT)

    def stop_service(self, name: str) -> None:
        """End a service: connections are refused from now on."""
        self._run(name, "off").touch()
        wait_for(lambda: not self._run(name, "pid").exists(), f"{name} to end")

    def start_service(self, name: str) -> None:
        """Start a service that was stopped, on its old port, and wait until it answers."""
        self._run(name, "off").unlink(missing_ok=True)
        wait_for(self._run(name, "ready").exists, f"{name} to answer")

    def _run(self, name: str, suffix: str) -> Path:
        if name not in self.endpoints:
            raise ValueError(f"no service {name} here: {', '.join(self.endpoints)}")
        return self.state_dir / "run" / f"{name}.{suffix}"

    def _pid(self, name: str) -> int:
        return int(self._run(name, "pid").read_text().split()[0])

    def fault(
        self,
        service: str,
        method: str,
        path_regex: str,
        action: Action,
        count: int | None = 1,
        *,
        after: int = 0,
        delay_seconds: float = 0.0,
        retry_after: int | None = None,
        performed: bool = False,
    ) -> str:
        """Have a service answer wrongly; every caller is hit, other services too. Returns its id.

        ``method`` is a regular expression for the whole method, ``path_regex`` is searched in the
        path and query. The first ``after`` requests that match pass, the next ``count`` are hit
        (None: all). ``action`` is a status, which is answered in place of the service, or
        ``drop-before`` (reset, the service sees nothing), ``drop-after`` (the service has done it,
        the client sees a reset), ``page`` (a proxy's HTML, with status 200), or ``delay`` (only
        ``delay_seconds`` are waited). With
        ``performed`` the service has done it before the status is answered.
        """
        self._run(service, "pid")  # says so if there is no such service
        fault = {
            "id": uuid.uuid4().hex,
            "service": service,
            "method": method,
            "path_regex": path_regex,
            "action": action,
            "count": count,
            "after": after,
            "delay_seconds": delay_seconds,
            "retry_after": retry_after,
            "performed": performed,
        }
        self._faults.append(fault)
        write_atomically(self.state_dir / "faults.json", json.dumps(self._faults))
        return str(fault["id"])

    def wait_until_hit(self, fault_id: str) -> None:
        """Wait until a fault has begun to hit a request."""
        hit = self.state_dir / "run" / f"{fault_id}.hit"
        wait_for(hit.exists, "the request that is to fail")

    def clear_faults(self) -> None:
        """Have every service answer rightly again."""
        self._faults.clear()
        (self.state_dir / "faults.json").unlink(missing_ok=True)


def python() -> list[str]:
    """Return the interpreter of the cloud's environment; raises if it is not installed."""
    name = os.environ.get("MINICLOUD_PYTHON")
    path = Path(name) if name else CHECKOUT / ".dev" / "cloud-venv" / "bin" / "python"
    if not path.exists():
        raise RuntimeError(f"{path} does not exist: run ./dev test, which installs it")
    return [str(path), "-W", "ignore"]


def wait_until_up(process: subprocess.Popen[str]) -> str:
    """Return what the command says until the cloud is up; raises with that if it never is."""
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        if line.startswith("tied:"):
            return "".join(said)
        said.append(line)
    raise RuntimeError(f"the embedded cloud did not start:\n{''.join(said)}")


def let_go(process: subprocess.Popen[str]) -> None:
    """End a tied cloud, and wait until it has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    process.wait(STOP_SECONDS)
    process.stdout.close()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds: who looks often keeps the cloud from its work."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause_seconds = 0.02
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_SECONDS:.0f} s for {what}")
        time.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 1.3, 0.2)


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content in one step."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    draft.write_text(text)
    draft.replace(path)
