"""Writes a folder of files whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from instance_images.errors import Refused


@contextlib.contextmanager
def whole_directory(path: Path, *, replace: bool) -> Iterator[Path]:
    """Yield an empty folder beside ``path``, which takes its place when the context ends well.

    Raises Refused where it exists and may not be replaced, or cannot be written; whatever stood
    there before is untouched then, and nothing is left beside it.
    """
    if path.exists() and not replace:
        raise Refused(f"{path} exists: choose another name.", case="exists")
    if path.exists() and not path.is_dir():
        raise Refused(f"{path} is a file: choose another name for the folder.")
    try:
        draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    try:
        files = draft / "new"
        files.mkdir(mode=0o750)
        yield files
        if path.exists():
            path.rename(draft / "old")
        try:
            files.rename(path)
        except OSError:
            if (draft / "old").exists():
                (draft / "old").rename(path)
            raise
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_new(path: Path, content: bytes) -> None:
    """Write a file into a folder that is being made, readable for owner and group."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode=0o640), "wb") as file:
        file.write(content)
