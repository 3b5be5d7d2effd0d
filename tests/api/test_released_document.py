"""The document of each release stays true: later ones only add to it.

A release keeps its document in ``released/openapi-VERSION.json``: a copy of ``/v1/openapi.json``.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from instance_images_api.document import document

RELEASED = sorted((Path(__file__).parent / "released").glob("openapi-*.json"))
# What is said for people, and may be said better.
_WORDS = {"description", "summary", "example", "title", "tags"}


def breaks(old: Any, new: Any, where: str = "", *, is_request: bool = False) -> Iterator[str]:
    """Yield what whoever relies on the old document does not find in the new one.

    A request may lose what it requires, and an answer what it may hold: not the other way round.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            if name in _WORDS and not isinstance(value, dict):
                continue
            if name not in new:
                yield f"{where}/{name} is gone"
            elif name == "required" and isinstance(value, list):
                yield from _required(value, new[name], where, is_request=is_request)
            elif name == "enum":
                missing = [one for one in value if one not in new[name]]
                yield from (f"{where}: {one!r} is gone" for one in missing)
            elif name == "parameters":
                yield from _parameters(value, new[name], where)
            else:
                inside = is_request or name == "requestBody"
                yield from breaks(value, new[name], f"{where}/{name}", is_request=inside)
        return
    if old != new:
        yield f"{where}: {old!r} is now {new!r}"


def _required(old: list[str], new: list[str], where: str, *, is_request: bool) -> Iterator[str]:
    wrong = set(new) - set(old) if is_request else set(old) - set(new)
    yield from (f"{where}: whether {one} is required has changed" for one in sorted(wrong))


def _parameters(old: list[Any], new: list[Any], where: str) -> Iterator[str]:
    before = {one["name"]: one for one in old}
    for one in new:
        if one["name"] not in before and one["required"]:
            yield f"{where}: {one['name']} is required now"
    after = {one["name"]: one for one in new}
    for name, one in before.items():
        if name not in after:
            yield f"{where}: parameter {name} is gone"
        else:
            yield from breaks(one, after[name], f"{where}/{name}", is_request=True)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_document_only_adds_to_that_of_a_release(path: Path) -> None:
    assert list(breaks(json.loads(path.read_text()), json.loads(json.dumps(document())))) == []


def test_a_break_of_any_kind_is_found() -> None:
    old = json.loads(json.dumps(document()))
    new = copy.deepcopy(old)
    images = new["paths"]["/v1/images"]
    image = images["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    image = image["properties"]["images"]["items"]
    asked = images["post"]["requestBody"]["content"]["application/json"]["schema"]
    del new["paths"]["/v1/rates"]["post"]
    image["properties"].pop("name")
    image["required"].remove("status")
    image["properties"]["status"]["enum"].remove("error")
    asked["properties"]["image"]["required"].append("location")
    images["get"]["parameters"][0]["required"] = True
    images["get"]["parameters"].pop()
    images["get"]["summary"] = "Another one."
    image["properties"]["colour"] = {"type": "string"}

    found = list(breaks(old, new))

    for told in (
        "/paths/v1/rates/post is gone".replace("/paths/v1", "/paths//v1"),
        "/properties/name is gone",
        "whether status is required has changed",
        "'error' is gone",
        "whether location is required has changed",
        "/limit/required: False is now True",
        "parameter all_accounts is gone",
    ):
        assert any(told in one for one in found), (told, found)
    assert len(found) == 7
