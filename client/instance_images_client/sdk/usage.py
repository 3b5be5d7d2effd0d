"""Cloud Usage: the months of an account, and its report as a file."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import requests
from openstack import exceptions, resource

from instance_images_client.sdk.base import Base

PATH = "/reports/cloud-usage"
_CHUNK_BYTES = 64 * 1024


class Month(Base):
    """A month in which the account is charged for something."""

    resource_key = "month"
    resources_key = "months"
    base_path = PATH

    allow_list = True

    _query_mapping = resource.QueryParameters("account_id")

    #: As in 2026-11.
    period = resource.Body("period", alternate_id=True)
    currency = resource.Body("currency")
    #: ``open`` or ``closed``.
    state = resource.Body("state")
    #: Amount as a decimal in a text.
    total = resource.Body("total")
    #: Instant until which the total counts.
    metered_until = resource.Body("metered_until")
    #: What the total will be at the month's end if nothing changes; None where it is metered.
    forecast = resource.Body("forecast")


def save(response: requests.Response, path: Path) -> int:
    """Write the answer's content to the file in one step, and return its size in bytes.

    The file is there whole or as it was before. Raises SDKException if the content ends early.
    """
    with _draft_of(path) as draft:
        size_bytes = 0
        with told_early_end():
            for chunk in response.iter_content(_CHUNK_BYTES):
                size_bytes += draft.write(chunk)
        told = response.headers.get("Content-Length")
        is_plain = "Content-Encoding" not in response.headers
        if told is not None and is_plain and int(told) != size_bytes:
            raise exceptions.SDKException(
                f"The report ended early: {size_bytes} of {told} bytes arrived."
            )
    return size_bytes


@contextlib.contextmanager
def told_early_end() -> Iterator[None]:
    """Raise SDKException for an answer that ends early.

    Where keystoneauth logs at DEBUG, it reads a whole answer before it returns it.
    """
    try:
        yield
    except exceptions.SDKException:  # some are errors of requests too
        raise
    except requests.RequestException as error:
        raise exceptions.SDKException(f"The report ended early: {error}") from error


@contextlib.contextmanager
def _draft_of(path: Path) -> Iterator[BinaryIO]:
    """Yield a file beside the path that takes its place if nothing is raised."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        draft.chmod(0o666 & ~umask)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
