"""Records the newest digests outside the database, in a file that only grows.

Whoever can rewrite the database can forge its chain to the end, but not what stands elsewhere. The
file is opened after the hours are closed: no trouble with it costs an hour.
"""

import contextlib
import fcntl
import logging
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from instance_images_billing.ledger.anchors import Anchor, anchor_text
from instance_images_billing.ledger.closed_periods import ClosedPeriod

LOG = logging.getLogger(__name__)
LOCK_SECONDS = 5.0
_READABLE_BY_GROUP = 0o640


def record_period(closed: ClosedPeriod, path: Path | None) -> str | None:
    """Record the digest of a closed period, in the log too; return what is wrong."""
    anchor = Anchor(closed.digest, period=closed.name)
    LOG.info("Period %s is closed. Digest %s", closed.name, anchor_text(anchor))
    return record([anchor], path)


def record(anchors: Sequence[Anchor], path: Path | None) -> str | None:
    """Add the digests to the file, if there is one; return what is wrong, if anything is."""
    if path is None or not anchors:
        return None
    try:
        _append(path, "".join(f"{anchor_text(one)}\n" for one in anchors).encode())
    except OSError as error:
        return (
            f"The digests cannot be added to {path}: {error.strerror or error}. Let this user"
            " read and append to it, or correct digest_file in [billing]; the next run adds the"
            " newest ones."
        )
    return None


def _append(path: Path, lines: bytes) -> None:
    """Add whole lines to the file, and have them on disk before returning."""
    is_new = not path.exists()
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, _READABLE_BY_GROUP)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is no regular file")
        with _locked(descriptor):
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # a run was cut off in the middle of a line
            try:
                _write(descriptor, lines)
            except OSError:
                with contextlib.suppress(OSError):  # not where it may only be appended to
                    os.ftruncate(descriptor, size)
                raise
    finally:
        os.close(descriptor)
    if is_new:
        _sync_directory(path.parent)


def _write(descriptor: int, lines: bytes) -> None:
    while lines:
        lines = lines[os.write(descriptor, lines) :]
    os.fsync(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Keep other runs from writing meanwhile; after some seconds, go on all the same."""
    deadline = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        time.sleep(0.02)
    yield  # closing the file ends the lock
