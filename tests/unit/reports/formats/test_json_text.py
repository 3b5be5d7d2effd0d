"""JSON of the reports is written as the standard library writes it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from instance_images_reports.formats.json_text import JSON, PLAIN, Rows, indented, json_string

VALUES = st.none() | st.booleans() | st.integers() | st.text()
DOCUMENTS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_any_document_is_written_as_the_standard_library_does(document: object) -> None:
    assert indented(document) == json.dumps(document, indent=2)


@given(st.lists(st.tuples(st.text(), st.integers()), max_size=3))
def test_rows_of_a_template_are_written_as_objects_are(drawn: list[tuple[str, int]]) -> None:
    fields = {"name": JSON, "size": JSON, "kind": PLAIN}
    rows = Rows(fields, [(json_string(name), size, "a_b") for name, size in drawn])
    objects = [{"name": name, "size": size, "kind": "a_b"} for name, size in drawn]

    assert indented({"n": 1, "rows": [rows]}) == json.dumps({"n": 1, "rows": [objects]}, indent=2)
