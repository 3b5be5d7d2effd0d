"""A Cinder driver with real data and without a kernel: volumes and snapshots are sparse files.

Images that are raw, or qcow2 of our own making, go into volumes and out of them without qemu-img;
other formats take Cinder's own way, which calls it.
"""

import contextlib
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cinder.image import image_utils
from cinder.volume import driver, volume_utils
from oslo_config import cfg

from minicloud.drivers import qcow2

GIB_BYTES = 1 << 30


class FileDriver(driver.VolumeDriver):
    """Keeps its files below ``$state_path/volumes``."""

    VERSION = "1.0"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._directory = Path(cfg.CONF.state_path, "volumes")

    def do_setup(self, context: Any) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)

    def check_for_setup_error(self) -> None:
        pass

    def local_path(self, volume: Any) -> str:
        return str(self._directory / volume["name"])

    def _resize(self, volume: Any, size_gib: int) -> None:
        with Path(self.local_path(volume)).open("ab") as file:
            file.truncate(size_gib * GIB_BYTES)

    def _copy(self, source: Any, target: Any) -> None:
        paths = [self.local_path(source), self.local_path(target)]
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", *paths], check=True)

    def _unlink(self, what: Any) -> None:
        Path(self.local_path(what)).unlink(missing_ok=True)

    def create_volume(self, volume: Any) -> None:
        self._resize(volume, volume["size"])

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        self._copy(snapshot, volume)
        self._resize(volume, volume["size"])

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None:
        self._copy(src_vref, volume)
        self._resize(volume, volume["size"])

    def create_snapshot(self, snapshot: Any) -> None:
        self._copy(snapshot["volume"], snapshot)

    delete_volume = delete_snapshot = _unlink

    def extend_volume(self, volume: Any, new_size: int) -> None:
        self._resize(volume, new_size)

    def clone_image(
        self,
        context: Any,
        volume: Any,
        image_location: Any,
        image_meta: dict[str, Any],
        image_service: Any,
    ) -> tuple[dict[str, Any], bool]:
        """Fill a new volume with a raw or qcow2 image; leave others to copy_image_to_volume."""
        disk_format, path = image_meta["disk_format"], Path(self.local_path(volume))
        if disk_format not in ("raw", "qcow2") or image_meta["container_format"] != "bare":
            return {}, False
        with self._draft() as draft:
            with draft.open("wb") as file:
                image_service.download(context, image_meta["id"], file)
            if disk_format == "raw":
                draft.rename(path)
            else:
                qcow2.read(draft, path)
        self._resize(volume, volume["size"])
        return {}, True

    @contextlib.contextmanager
    def _draft(self) -> Iterator[Path]:
        """Yield a path for a file on its way, and remove what is left there."""
        path = self._directory / f"draft-{uuid.uuid4()}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def copy_image_to_volume(
        self,
        context: Any,
        volume: Any,
        image_service: Any,
        image_id: str,
        disable_sparse: bool = False,
    ) -> None:
        image_utils.fetch_to_raw(
            context,
            image_service,
            image_id,
            self.local_path(volume),
            "1M",
            size=volume["size"],
            run_as_root=False,
        )
        self._resize(volume, volume["size"])

    def copy_volume_to_image(
        self, context: Any, volume: Any, image_service: Any, image_meta: Any
    ) -> None:
        def upload(path: str, volume_format: str) -> None:
            volume_utils.upload_volume(
                context, image_service, image_meta, path, volume, volume_format, run_as_root=False
            )

        if image_meta["disk_format"] != "qcow2":
            upload(self.local_path(volume), "raw")
            return
        with self._draft() as draft:
            qcow2.write(Path(self.local_path(volume)), draft)
            upload(str(draft), "qcow2")

    def initialize_connection(self, volume: Any, connector: Any) -> dict[str, Any]:
        data = {"device_path": self.local_path(volume)}
        return {"driver_volume_type": "local", "data": data}

    def terminate_connection(self, volume: Any, connector: Any, **kwargs: Any) -> None:
        pass

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        pass

    def ensure_export(self, context: Any, volume: Any) -> None:
        pass

    def remove_export(self, context: Any, volume: Any) -> None:
        pass

    def _update_volume_stats(self) -> None:
        pool = {
            "pool_name": "files",
            "total_capacity_gb": "infinite",
            "free_capacity_gb": "infinite",
            "reserved_percentage": 0,
            "QoS_support": False,
            "multiattach": True,
            "filter_function": self.get_filter_function(),
            "goodness_function": self.get_goodness_function(),
        }
        self._stats = {
            "volume_backend_name": self.configuration.safe_get("volume_backend_name"),
            "vendor_name": "minicloud",
            "driver_version": self.VERSION,
            "storage_protocol": "file",
            "pools": [pool],
        }
