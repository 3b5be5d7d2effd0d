"""What one embedded cloud is: its directories, its ports, its services, its options.

A :class:`Cloud` is a value. It is saved as ``cloud.json`` in the state directory, where every
process of the cloud reads it. This module imports nothing but the standard library.
"""

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

CORE = ("keystone", "glance", "placement", "nova")
DEFAULT = (*CORE, "cinder")
OPTIONAL = ("neutron", "heat")
ALL = (*DEFAULT, *OPTIONAL)

PASSWORD = "minicloud"
REGION = "RegionOne"

# The path that a client finds in the catalogue behind the service's root URL.
SERVICE_TYPES = {
    "keystone": ("identity", "/v3"),
    "glance": ("image", ""),
    "placement": ("placement", ""),
    "nova": ("compute", "/v2.1"),
    "cinder": ("block-storage", "/v3"),
    "neutron": ("network", ""),
    "heat": ("orchestration", "/v1/%(tenant_id)s"),
}


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud; ``ports`` is empty until the supervisor has bound them."""

    state: Path
    cache: Path
    services: tuple[str, ...]
    limits: bool = False
    notify_url: str | None = None
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def processes(self) -> tuple[str, ...]:
        """Name the processes of the cloud: the services, and Neutron's stand-in if need be.

        Nova asks the network service for the ports of every server, so that there always has
        to be one.
        """
        return self.services if "neutron" in self.services else (*self.services, "neutron")

    def etc(self, *parts: str) -> Path:
        """Return a path below the configuration files."""
        return self.state.joinpath("etc", *parts)

    def data(self, *parts: str) -> Path:
        """Return a path below what the services keep beside their databases."""
        return self.state.joinpath("data", *parts)

    def run(self, name: str) -> Path:
        """Return the path of a pid file, a readiness mark, an off switch, a fault's mark."""
        return self.state / "run" / name

    def log(self, process: str) -> Path:
        """Return the path of a process's log."""
        return self.state / "log" / f"{process}.log"

    def database(self, name: str) -> Path:
        """Return the path of a service's SQLite file."""
        return self.state / "db" / f"{name}.sqlite"

    def database_url(self, name: str) -> str:
        """Return the SQLAlchemy URL of a database (the plug-in is sqlite_immediate)."""
        return f"sqlite:///{self.database(name)}?timeout=60&plugin=immediate"

    def url(self, service: str) -> str:
        """Return the root URL of a service, without a trailing slash."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def endpoint(self, service: str) -> str:
        """Return the URL that the catalogue tells of a service."""
        return self.url(service) + SERVICE_TYPES[service][1]

    @property
    def auth_url(self) -> str:
        """Return Keystone's URL."""
        return self.endpoint("keystone")

    @property
    def clouds_yaml(self) -> Path:
        """Return the path of the clients' configuration."""
        return self.state / "clouds.yaml"

    @property
    def faults_file(self) -> Path:
        """Return the path of the file that asks for faults; it does not exist by default."""
        return self.state / "faults.json"

    def save(self) -> None:
        """Write ``cloud.json``; the endpoints are in it for readers that are not ours."""
        document = dataclasses.asdict(self)
        document["state"], document["cache"] = str(self.state), str(self.cache)
        document["endpoints"] = {name: self.endpoint(name) for name in self.ports}
        write_atomically(self.state / "cloud.json", json.dumps(document, indent=2) + "\n")


def load(state: Path) -> Cloud | None:
    """Read the cloud that a state directory holds, None if it holds none."""
    try:
        document = json.loads((state / "cloud.json").read_text())
    except FileNotFoundError:
        return None
    document.pop("endpoints", None)
    document.update(
        state=state, cache=Path(document["cache"]), services=tuple(document["services"])
    )
    return Cloud(**document)


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)
