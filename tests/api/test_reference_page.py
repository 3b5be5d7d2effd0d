"""The API reference of the documentation says what the served document says."""

import sys
from types import ModuleType

import jsonschema
import pytest

from instance_images_api.document import document
from instance_images_api.routes import ROUTES

from support.clouds.embedded_cloud import CHECKOUT


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that writes the reference; it stands beside the documentation."""
    monkeypatch.syspath_prepend(str(CHECKOUT / "doc"))
    import api_pages  # type: ignore[import-not-found]

    yield api_pages
    del sys.modules["api_pages"]


def test_every_operation_has_a_section_with_its_statuses(pages: ModuleType) -> None:
    openapi = document()
    lines = list(pages.lines_of(openapi))

    for route in ROUTES:
        section = lines[lines.index(f"{route.method} {route.path}") :]
        assert route.summary in section[:5]
        answers = openapi["paths"][route.path][route.method.lower()]["responses"]
        assert [f"   * - {status}" for status in sorted(answers)] == [
            line for line in section if line.removeprefix("   * - ").isdecimal()
        ][: len(answers)]


def test_examples_that_are_made_are_what_the_schemas_allow(pages: ModuleType) -> None:
    openapi = document()
    for methods in openapi["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                body = answer.get("content", {}).get("application/json")
                if body is None or "$ref" in body["schema"] or "properties" not in body["schema"]:
                    continue
                made = body.get("example", pages.example_of(body["schema"], openapi))
                jsonschema.validate(made, body["schema"], jsonschema.Draft202012Validator)
