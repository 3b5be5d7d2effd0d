"""Files of customers: what a template needs is read, and no file costs more than its size."""

import sys
from types import FrameType
from typing import Any

import pytest

from instance_images.drivers.openstack.heat.customer_yaml import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_NODES,
    parsed,
)

# Each made a file of less than a megabyte cost seconds or hours, or ended the command with a fault.
HOSTILE = {
    "brackets": "[" * 100_000,
    "braces": "{" * 100_000,
    "bracketed keys": "? [" * 30_000,
    "dashes": "- " * 50_000 + "x",
    "indents": "".join(" " * depth + "a:\n" for depth in range(2_000)),
    "a long number": "a: " + "1" * 100_000,
    "sexagesimal": "a: 1" + ":1" * 50_000,
    "an impossible date": "a: 2001-99-99",
    "an impossible byte": "a: \x00",
    "many parts": "[" + "a," * 60_000 + "]",
    "aliases": "a: &a [x]\n"
    + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "merges": "a: &a {x: 1}\n"
    + "".join(
        f"{name}: &{name} {{<<: [{', '.join(['*' + before] * 9)}]}}\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "itself": "a: &a [*a]",
    "an unknown alias": "a: *b",
    "code": "a: !!python/object/apply:os.system [true]",
    "too long": "#" * 10_000_000,
}


def calls_of(content: str) -> int:
    """Return how many functions are called to read the file."""
    parsed("warm: up")
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        assert isinstance(parsed(content), dict)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_no_file_costs_much_or_raises(content: str) -> None:
    assert calls_of(content) < 700_000


def test_what_templates_say_is_read() -> None:
    read = parsed(
        "heat_template_version: 2018-08-31\nparameters:\n  image: {type: string, default: ~}\n"
        "resources:\n  server: &s\n    type: OS::Nova::Server\n    properties: {flavor: m1.tiny}\n"
        "  twin: *s\n  text: '~'\n"
    )

    assert read["parameters"] == {"image": {"type": "string", "default": None}}
    assert read["resources"]["twin"]["properties"] == {"flavor": "m1.tiny"}
    assert read["resources"]["text"] == "~"
    assert parsed('{"a": {"b": [1, null]}}') == {"a": {"b": ["1", None]}}


@pytest.mark.parametrize("content", ["", "- a", "text", "a: [", "a\n b", None, 7, {"a": "b"}])
def test_what_is_no_mapping_holds_nothing(content: object) -> None:
    assert parsed(content) == {}


def test_each_bound_lets_the_largest_file_in_and_no_larger_one() -> None:
    depth = MAX_DEPTH - 2  # below the mapping, and around the text
    for size, is_read in ((depth, True), (depth + 1, False)):
        assert bool(parsed("a: " + "[" * size + "x" + "]" * size)) is is_read
    for size, is_read in ((MAX_NODES - 3, True), (MAX_NODES - 2, False)):
        assert bool(parsed("a: [" + "x," * size + "]")) is is_read
    for size, is_read in ((MAX_CHARACTERS - 5, True), (MAX_CHARACTERS - 4, False)):
        assert bool(parsed("a: b\n" + "#" * size)) is is_read
