"""Writes a report's file whole or not at all."""

import os
import tempfile
from pathlib import Path

from instance_images.errors import Refused


def write_file(path: Path, content: bytes, *, replace: bool) -> None:
    """Write the file beside its place and move it there.

    Raises Refused where it exists and may not be replaced, or cannot be written; whatever stood
    there before is untouched then.
    """
    if path.exists() and not replace:
        raise Refused(f"{path} exists: choose another name.", case="exists")
    try:
        _write_and_move(path, content)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error


def _write_and_move(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o640)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
