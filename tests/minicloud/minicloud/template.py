"""Templates: the databases, keys and images of a cloud just filled, for later starts.

A template belongs to the packages' versions, the services, the options and our own source: its
directory's name is a hash of these. ``relocate`` makes a state directory's databases tell where
the cloud is now, after a template was restored or a port has changed.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import shutil
import sqlite3
from pathlib import Path

from minicloud.cloud import SERVICE_TYPES, Cloud

# Below data/; everything else there is made by configure().
KEPT = ("keystone/fernet", "keystone/credential", "glance/images", "nova/compute_id")


def directory(cloud: Cloud) -> Path:
    """Return where the template for such a cloud is or would be."""
    versions = sorted(
        f"{found.name}=={found.version}" for found in importlib.metadata.distributions()
    )
    digest = hashlib.sha256(json.dumps([versions, cloud.services, cloud.limits]).encode())
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return cloud.cache / "templates" / digest.hexdigest()[:16]


def save(cloud: Cloud) -> None:
    """Keep a template of a running cloud, unless another process has done so meanwhile."""
    target = directory(cloud)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "db").mkdir(parents=True)
    for file in sorted((cloud.state / "db").glob("*.sqlite")):
        copy_database(file, draft / "db" / file.name)
    for name in KEPT:
        copy(cloud.data(name), draft / "data" / name)
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft)


def restore(cloud: Cloud) -> bool:
    """Fill an empty state directory from its template; False if there is none."""
    source = directory(cloud)
    if not source.is_dir():
        return False
    copy(source / "db", cloud.state / "db")
    copy(source / "data", cloud.data())
    return True


def copy(source: Path, target: Path) -> None:
    """Copy a file or a tree, into what may already be there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def copy_database(source: Path, target: Path) -> None:
    """Copy a database that is in use."""
    with (
        contextlib.closing(sqlite3.connect(source)) as read,
        contextlib.closing(sqlite3.connect(target)) as write,
    ):
        read.backup(write)
        write.execute("PRAGMA journal_mode=WAL")


def relocate(cloud: Cloud) -> None:
    """Write the cloud's ports and paths into its databases, where the services keep them."""
    with transaction(cloud, "keystone") as connection:
        for name in cloud.processes:
            connection.execute(
                "UPDATE endpoint SET url = ? WHERE service_id IN"
                " (SELECT id FROM service WHERE type = ?)",
                (cloud.endpoint(name), SERVICE_TYPES[name][0]),
            )
    with transaction(cloud, "nova_api") as connection:
        for cell in ("cell0", "cell1"):
            connection.execute(
                "UPDATE cell_mappings SET database_connection = ? WHERE name = ?",
                (cloud.database_url(f"nova_{cell}"), cell),
            )
    with transaction(cloud, "glance") as connection:
        connection.execute(
            "UPDATE image_locations SET value = 'file://' || ? || '/' || image_id",
            (str(cloud.data("glance", "images")),),
        )


@contextlib.contextmanager
def transaction(cloud: Cloud, database: str):  # type: ignore[no-untyped-def]
    """Change a database that no service has open."""
    with contextlib.closing(sqlite3.connect(cloud.database(database))) as connection, connection:
        yield connection
