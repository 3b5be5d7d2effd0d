"""Just enough of the qcow2 format for the test driver of Cinder, so that it needs no qemu-img.

It writes version 3 without compression, snapshots or backing file, and reads what it wrote. Holes
of the sparse file take no space in it, so that a volume of 1 GiB is uploaded in a moment. QEMU's
docs/interop/qcow2.rst describes the format.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

CLUSTER_BITS = 16
CLUSTER_BYTES = 1 << CLUSTER_BITS
ENTRIES = CLUSTER_BYTES // 8  # of an L1, L2 or refcount table of one cluster
REFCOUNTS = CLUSTER_BYTES // 2  # of 16 bits, in a refcount block
COPIED = 1 << 63
HEADER = struct.Struct(">4sIQIIQIIQQIIQQQQII")


def write(raw: Path, target: Path) -> None:
    """Write the sparse file as qcow2."""
    size_bytes = raw.stat().st_size
    with raw.open("rb") as source, target.open("wb") as file:
        held = list(_held_clusters(source, size_bytes))
        tables = sorted({cluster // ENTRIES for cluster in held})
        blocks = 1 + (3 + len(tables) + len(held)) // (REFCOUNTS - 1)
        l1_at = 2 + blocks  # in clusters, after the header, the refcount table and its blocks
        l2_at = {number: l1_at + 1 + place for place, number in enumerate(tables)}
        data_at = {cluster: l1_at + 1 + len(tables) + n for n, cluster in enumerate(held)}
        used = l1_at + 1 + len(tables) + len(held)
        l1_entries = -(-size_bytes // (ENTRIES * CLUSTER_BYTES))
        assert l1_entries <= ENTRIES, "a volume of more than 4 TiB"
        file.write(
            HEADER.pack(
                b"QFI\xfb", 3, 0, 0, CLUSTER_BITS, size_bytes, 0, l1_entries,
                l1_at * CLUSTER_BYTES, CLUSTER_BYTES, 1, 0, 0, 0, 0, 0, 4, HEADER.size,
            )
        )  # fmt: skip
        _put(file, 1, [(2 + n) * CLUSTER_BYTES for n in range(blocks)])
        file.seek(2 * CLUSTER_BYTES)
        file.write(struct.pack(f">{used}H", *[1] * used))
        _put(file, l1_at, _entries(range(max(tables, default=-1) + 1), l2_at))
        for number, place in l2_at.items():
            _put(file, place, _entries(range(number * ENTRIES, (number + 1) * ENTRIES), data_at))
        for cluster, place in data_at.items():
            source.seek(cluster * CLUSTER_BYTES)
            file.seek(place * CLUSTER_BYTES)
            file.write(source.read(CLUSTER_BYTES))
        file.truncate(used * CLUSTER_BYTES)


def read(source: Path, raw: Path) -> None:
    """Write the sparse file that a file of ours holds."""
    with source.open("rb") as file, raw.open("wb") as target:
        header = HEADER.unpack(file.read(HEADER.size))
        size_bytes, l1_entries, l1_offset = header[5], header[7], header[8]
        target.truncate(size_bytes)
        for number, l2_offset in enumerate(_get(file, l1_offset, l1_entries)):
            for place, offset in enumerate(_get(file, l2_offset, ENTRIES) if l2_offset else ()):
                if offset:
                    file.seek(offset)
                    target.seek((number * ENTRIES + place) * CLUSTER_BYTES)
                    target.write(file.read(CLUSTER_BYTES))
        target.truncate(size_bytes)


def _held_clusters(source: BinaryIO, size_bytes: int) -> Iterator[int]:
    """Yield the numbers of the clusters that are no holes."""
    position = 0
    while position < size_bytes:
        try:
            begins = os.lseek(source.fileno(), position, os.SEEK_DATA)
        except OSError:
            return  # ENXIO: there is nothing but a hole from here on
        ends = os.lseek(source.fileno(), begins, os.SEEK_HOLE)
        first = max(begins, position) // CLUSTER_BYTES
        last = -(-ends // CLUSTER_BYTES)
        yield from range(first, last)
        position = last * CLUSTER_BYTES


def _entries(numbers: range, places: dict[int, int]) -> list[int]:
    return [COPIED | places[n] * CLUSTER_BYTES if n in places else 0 for n in numbers]


def _put(file: BinaryIO, cluster: int, entries: list[int]) -> None:
    file.seek(cluster * CLUSTER_BYTES)
    file.write(struct.pack(f">{len(entries)}Q", *entries))


def _get(file: BinaryIO, offset: int, count: int) -> list[int]:
    file.seek(offset)
    return [entry & ~COPIED for entry in struct.unpack(f">{count}Q", file.read(8 * count))]
