"""A cloud in a file, which survives the processes that use it: for tests that kill them.

It is a driver like any other. What it is asked for is done in steps: what is being made or deleted
is seen so once, and done when it is looked at again. ``step`` is called when a request that changes
something comes in, and again when it has taken effect and its answer is not on its way yet.
"""

import contextlib
import fcntl
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from instance_images.drivers.provider import Provider
from instance_images.errors import NotFound, Refused, WrongState
from instance_images.instants import Clock, format_instant, parse_instant
from instance_images.model.cloud import (
    CapturePart,
    CloudImage,
    CloudImageStatus,
    Flavor,
    PartKind,
    PartStatus,
    Project,
    RootVolume,
    Server,
    ServerRequest,
    ServerStatus,
)

GIB = 2**30
ROOT_VOLUME = "root"
_READY = {
    "image": "active",
    "snapshot": "available",
    "volume": "available",
    "server": "active",
}
_PART_STATUS = {
    "available": PartStatus.READY,
    "deleting": PartStatus.DELETING,
    "error": PartStatus.FAILED,
}

Thing = dict[str, Any]


class FileCloud(Provider):
    """Holds images, snapshots, volumes and instances, each with its kind, status and mark."""

    def __init__(self, path: Path, clock: Clock, *, is_volume_backed: bool) -> None:
        self.path = path
        self.clock = clock
        self.is_volume_backed = is_volume_backed
        self.step: Callable[[], None] = lambda: None
        if not path.exists():
            path.write_text("{}")

    @contextlib.contextmanager
    def _things(self) -> Iterator[dict[str, Thing]]:
        """Yield what there is, locked, and keep what is changed."""
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            things: dict[str, Thing] = json.loads(self.path.read_text())
            before = json.dumps(things)
            yield things
            after = json.dumps(things)
            if after != before:
                draft = self.path.with_suffix(".draft")
                draft.write_text(after)
                draft.replace(self.path)

    def things(self, kind: str) -> dict[str, Thing]:
        """Return all images, snapshots, volumes or instances, without having looked at them."""
        with self._things() as things:
            return {i: thing for i, thing in things.items() if thing["kind"] == kind}

    def break_down(self) -> None:
        """Lose every image, and have every snapshot and volume in error."""
        with self._things() as things:
            for thing_id, thing in list(things.items()):
                if thing["kind"] == "image":
                    del things[thing_id]
                thing["status"] = "error"

    def _make(self, kind: str, request_id: str, status: str, **more: Any) -> str:
        self.step()
        made_id = str(uuid.uuid4())
        with self._things() as things:
            at = format_instant(self.clock())
            made = {"kind": kind, "status": status, "mark": request_id, "at": at, "began": at}
            things[made_id] = made | more
        self.step()
        return made_id

    def _look(self, wanted: Callable[[str, Thing], bool]) -> list[tuple[str, Thing]]:
        """Return what is wanted, as it is seen now; what was under way is done afterwards."""
        with self._things() as things:
            found = [(i, dict(thing)) for i, thing in things.items() if wanted(i, thing)]
            for found_id, thing in found:
                if thing["status"] == "deleting":
                    del things[found_id]
                elif thing["status"] == "uploading":
                    things[found_id]["status"] = "available"
                elif thing["status"] not in ("active", "available", "error"):
                    things[found_id]["status"] = _READY[thing["kind"]]
                    things[found_id]["at"] = format_instant(self.clock())
        return found

    def find_project(self, reference: str | None) -> Project:
        return Project(reference or "own", f"name of {reference or 'own'}")

    def sees_all_accounts(self) -> bool:
        return True

    def find_server(self, project_id: str, reference: str) -> Server:
        server = self.get_server(project_id, reference)
        assert server is not None
        return server

    def get_server(self, project_id: str, server_id: str) -> Server | None:
        found = self._look(lambda i, t: t["kind"] == "server" and i == server_id)
        if found:
            return _server(*found[0], project_id)
        # Whatever is captured is there.
        status = ServerStatus.RUNNING
        return Server(
            id=server_id,
            name="vm",
            project_id=project_id,
            status=status,
            task_state=None,
            is_volume_backed=self.is_volume_backed,
            addresses=(),
            fault=None,
        )

    def find_flavor(self, project_id: str, reference: str) -> Flavor:
        return Flavor(reference, reference, 64, 1)

    def request_capture(self, project_id: str, server_id: str, name: str, request_id: str) -> str:
        return self._make("image", request_id, "queued", owner=project_id, name=name)

    def find_captured(self, project_id: str, request_id: str) -> list[CloudImage]:
        found = self._look(
            lambda _, t: (t["kind"], t["mark"], t.get("owner")) == ("image", request_id, project_id)
        )
        return [_image(*one) for one in found]

    def get_image(self, cloud_image_id: str) -> CloudImage | None:
        found = self._look(lambda i, _: i == cloud_image_id)
        return _image(*found[0]) if found else None

    def list_images(self) -> Iterator[CloudImage]:
        return iter([_image(i, thing) for i, thing in self.things("image").items()])

    def delete_image(self, project_id: str, cloud_image_id: str) -> bool:
        return self._delete(cloud_image_id, at_once=True)

    def _delete(self, thing_id: str, *, at_once: bool) -> bool:
        self.step()
        with self._things() as things:
            found = thing_id in things
            if found and at_once:
                del things[thing_id]
            elif found:
                if things[thing_id]["status"] not in ("available", "error"):
                    raise WrongState(f"it is {things[thing_id]['status']}")
                things[thing_id]["status"] = "deleting"
        self.step()
        return found

    def request_server(self, project_id: str, request: ServerRequest) -> str:
        """Make all instances in one step, as Nova does."""
        self.step()
        made = {
            str(uuid.uuid4()): {
                "kind": "server",
                "status": "building",
                "mark": request.request_id,
                "name": f"{request.name}-{number + 1}",
            }
            for number in range(request.count)
        }
        with self._things() as things:
            things.update(made)
        self.step()
        return next(iter(made))

    def find_requested_servers(
        self, project_id: str, request_id: str, since: datetime
    ) -> Sequence[Server]:
        wanted = ("server", request_id)
        found = self._look(lambda _, t: (t["kind"], t["mark"]) == wanted)
        return [_server(*one, project_id) for one in found]

    def find_root_volume(self, project_id: str, server_id: str) -> RootVolume:
        return RootVolume(ROOT_VOLUME, 1, False, 64)

    def request_snapshot(self, project_id: str, volume_id: str, request_id: str) -> str:
        assert volume_id == ROOT_VOLUME
        return self._make("snapshot", request_id, "creating", source=volume_id)

    def request_volume(self, project_id: str, snapshot_id: str, request_id: str) -> str:
        assert self.things("snapshot")[snapshot_id]["status"] == "available"
        return self._make("volume", request_id, "creating", source=snapshot_id)

    def label_volume(self, project_id: str, volume_id: str, request_id: str) -> None:
        with self._things() as things:
            things[volume_id]["label"] = request_id
        self.step()

    def request_upload(self, project_id: str, volume_id: str, name: str, disk_format: str) -> str:
        with self._things() as things:
            if things[volume_id]["status"] != "available":
                raise Refused(f"it is {things[volume_id]['status']}")
            things[volume_id]["status"] = "uploading"
            mark = things[volume_id]["label"]
        return self._make("image", mark, "queued", owner=project_id, name=name)

    def complete_image(
        self, project_id: str, cloud_image_id: str, request_id: str, minima: Mapping[str, int]
    ) -> None:
        with self._things() as things:
            if cloud_image_id not in things:
                raise NotFound("Image", cloud_image_id, "")
            things[cloud_image_id] |= {"minima": minima, "at": format_instant(self.clock())}
        self.step()

    def get_part(self, project_id: str, kind: PartKind, part_id: str) -> CapturePart | None:
        found = self._look(lambda i, t: t["kind"] == kind and i == part_id)
        return _part(*found[0]) if found else None

    def find_parts(self, project_id: str, kind: PartKind, request_id: str) -> Sequence[CapturePart]:
        found = self._look(lambda _, t: t["kind"] == kind and t["mark"] == request_id)
        return [_part(part_id, thing) for part_id, thing in found]

    def delete_part(self, project_id: str, part: CapturePart, *, force: bool = False) -> None:
        if part.kind is PartKind.SNAPSHOT:
            sources = Counter(t["source"] for t in self.things("volume").values())
            if sources[part.id]:
                raise WrongState("a volume was made of it")
        self._delete(part.id, at_once=False)


def _part(part_id: str, thing: Thing) -> CapturePart:
    return CapturePart(
        kind=PartKind(thing["kind"]),
        id=part_id,
        status=_PART_STATUS.get(thing["status"], PartStatus.WORKING),
        word=thing["status"],
        source_id=thing["source"],
        created_at=parse_instant(thing["began"]),
    )


def _server(server_id: str, thing: Thing, project_id: str) -> Server:
    is_active = thing["status"] == "active"
    status = ServerStatus.RUNNING if is_active else ServerStatus.BUILDING
    task_state = None if is_active else "spawning"
    return Server(
        id=server_id,
        name=thing["name"],
        project_id=project_id,
        status=status,
        task_state=task_state,
        is_volume_backed=False,
        addresses=(),
        fault=None,
    )


def _image(image_id: str, thing: Thing) -> CloudImage:
    is_active = thing["status"] == "active"
    return CloudImage(
        id=image_id,
        name=thing["name"],
        owner_id=thing["owner"],
        status=CloudImageStatus(thing["status"]),
        size_bytes=GIB if is_active else None,
        virtual_size_bytes=GIB if is_active else None,
        min_disk_gib=0,
        min_ram_mib=0,
        changed_at=parse_instant(thing["at"]),
        checksum="sum" if is_active else None,
    )
