"""Nova's own fake driver plus a disk.

``spawn`` downloads the image from Glance; ``snapshot`` uploads the disk to Glance in the very steps
of the libvirt driver (Nova's fake driver uploads nothing: its images stay queued for ever). A test
steers it for each server through the server's metadata:

``minicloud_spawn_delay``     seconds before spawn returns
``minicloud_spawn_fail``      any value: spawn raises
``minicloud_snapshot_delay``  seconds between image_pending_upload and the upload
``minicloud_snapshot_size``   bytes that the snapshot has (default: the size of the disk)
``minicloud_upload_delay``    seconds that the upload itself takes (the image is saving)
``minicloud_snapshot_fail``   ``extract`` (fails before the upload), ``upload`` (in the middle of
                              it), ``hang`` (never returns), ``noupload`` (as Nova's fake driver)
"""

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import nova.conf
from nova import exception
from nova.compute import task_states
from nova.image import glance
from nova.virt import fake
from oslo_log import log as logging

LOG = logging.getLogger(__name__)
CONF = nova.conf.CONF
CHUNK_BYTES = 1 << 20
ZEROS = bytes(CHUNK_BYTES)


class BrokenDiskError(Exception):
    """Reading the disk failed, as the test asked for."""


class PaddedDisk:
    """What an image is uploaded from: a file padded with zeros or cut to a size.

    It is slow where ``duration_seconds`` is given, and breaks half-way where ``breaks`` is set.
    """

    def __init__(self, path: Path, size_bytes: int, duration_seconds: float, breaks: bool) -> None:
        self._file = path.open("rb")
        self._left = size_bytes
        self._pause_seconds = duration_seconds / max(1, -(-size_bytes // CHUNK_BYTES))
        self._breaks_at = size_bytes // 2 if breaks else -1

    def read(self, n: int = -1) -> bytes:
        wanted = min(CHUNK_BYTES, self._left)
        if n is not None and n >= 0:
            wanted = min(wanted, n)
        if self._left <= self._breaks_at:
            raise BrokenDiskError("read error (minicloud_snapshot_fail=upload)")
        if self._pause_seconds and wanted:
            time.sleep(self._pause_seconds)
        self._left -= wanted
        content = self._file.read(wanted)
        if not content and wanted == CHUNK_BYTES:
            return ZEROS
        return content + bytes(wanted - len(content))

    def close(self) -> None:
        self._file.close()


class SnapshottingFakeDriver(fake.FakeDriverWithoutFakeNodes):
    """A compute host whose servers have a disk, and are there again after a restart."""

    capabilities = fake.FakeDriver.capabilities | {"supports_image_type_qcow2": True}

    def __init__(self, virtapi: Any, read_only: bool = False) -> None:
        super().__init__(virtapi, read_only)
        self._images = glance.API()

    @staticmethod
    def _path(uuid: str, *parts: str) -> Path:
        return Path(CONF.instances_path, uuid, *parts)

    def _remember(self, uuid: str) -> None:
        server = self.instances[uuid]
        state = json.dumps({"name": server.name, "state": server.state})
        self._path(uuid, "state.json").write_text(state)

    def init_host(self, host: str) -> None:
        super().init_host(host)
        for file in Path(CONF.instances_path).glob("*/state.json"):
            state, uuid = json.loads(file.read_text()), file.parent.name
            self.instances[uuid] = fake.FakeInstance(state["name"], state["state"], uuid)

    def spawn(
        self,
        context: Any,
        instance: Any,
        image_meta: Any,
        injected_files: Any,
        admin_password: Any,
        allocations: Any,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        time.sleep(float(knob(instance, "spawn_delay", 0)))
        self._path(instance.uuid).mkdir(parents=True, exist_ok=True)
        if instance.image_ref:
            disk = str(self._path(instance.uuid, "disk"))
            self._images.download(context, instance.image_ref, dest_path=disk)
        if knob(instance, "spawn_fail"):
            raise exception.InstanceDeployFailure(
                reason="minicloud_spawn_fail", instance_id=instance.uuid
            )
        super().spawn(
            context,
            instance,
            image_meta,
            injected_files,
            admin_password,
            allocations,
            *args,
            **kwargs,
        )
        self._remember(instance.uuid)

    def power_off(self, instance: Any, *args: Any, **kwargs: Any) -> None:
        super().power_off(instance, *args, **kwargs)
        self._remember(instance.uuid)

    def power_on(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        super().power_on(context, instance, *args, **kwargs)
        self._remember(instance.uuid)

    def destroy(self, context: Any, instance: Any, *args: Any, **kwargs: Any) -> None:
        super().destroy(context, instance, *args, **kwargs)
        for name in ("disk", "state.json"):
            self._path(instance.uuid, name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._path(instance.uuid).rmdir()

    def snapshot(self, context: Any, instance: Any, image_id: str, update_task_state: Any) -> None:
        """Upload the disk; the changes of task_state are libvirt's, direct snapshot included."""
        if instance.uuid not in self.instances:
            raise exception.InstanceNotRunning(instance_id=instance.uuid)
        name = self._images.get(context, image_id)["name"]
        fails = knob(instance, "snapshot_fail")
        update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
        update_task_state(
            task_state=task_states.IMAGE_UPLOADING,
            expected_state=task_states.IMAGE_PENDING_UPLOAD,
        )
        if fails == "noupload":
            return
        update_task_state(
            task_state=task_states.IMAGE_PENDING_UPLOAD,
            expected_state=task_states.IMAGE_UPLOADING,
        )
        self._extract(instance, fails)
        update_task_state(
            task_state=task_states.IMAGE_UPLOADING,
            expected_state=task_states.IMAGE_PENDING_UPLOAD,
        )
        self._upload(context, instance, image_id, image_metadata(instance, name))

    def _extract(self, instance: Any, fails: str | None) -> None:
        """Take the time, and fail in the ways, of copying the disk out of a server."""
        time.sleep(float(knob(instance, "snapshot_delay", 0)))
        while fails == "hang":
            time.sleep(1)
        if fails == "extract":
            raise exception.NovaException("qemu-img failed (minicloud_snapshot_fail=extract)")
        if instance.uuid not in self.instances:
            raise exception.InstanceNotFound(instance_id=instance.uuid)

    def _upload(self, context: Any, instance: Any, image_id: str, metadata: dict[str, Any]) -> None:
        path = self._path(instance.uuid, "disk")
        disk = PaddedDisk(
            path,
            int(knob(instance, "snapshot_size", path.stat().st_size)),
            duration_seconds=float(knob(instance, "upload_delay", 0)),
            breaks=knob(instance, "snapshot_fail") == "upload",
        )
        with contextlib.closing(disk):
            self._images.update(context, image_id, metadata, disk)


def knob(instance: Any, name: str, default: Any = None) -> Any:
    """Read a knob of a server; an empty one counts as not there."""
    return (instance.metadata or {}).get(f"minicloud_{name}") or default


def image_metadata(instance: Any, name: str) -> dict[str, Any]:
    """Describe the image as the libvirt driver does."""
    base = instance.image_meta

    def inherited(attribute: str, default: str) -> str:
        value = getattr(base, attribute) if base.obj_attr_is_set(attribute) else None
        return value or default

    properties = {
        "kernel_id": instance.kernel_id,
        "ramdisk_id": instance.ramdisk_id,
        "image_location": "snapshot",
        "image_state": "available",
        "owner_id": instance.project_id,
    }
    if instance.os_type:
        properties["os_type"] = instance.os_type
    return {
        "status": "active",
        "name": name,
        "disk_format": inherited("disk_format", "raw"),
        "container_format": inherited("container_format", "bare"),
        "properties": properties,
    }
