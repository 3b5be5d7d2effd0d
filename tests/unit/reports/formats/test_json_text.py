"""JSON of the reports is written as the standard library writes it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from instance_images_reports.formats.json_text import indented

VALUES = st.none() | st.booleans() | st.integers() | st.text()
DOCUMENTS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_any_document_is_written_as_the_standard_library_does(document: object) -> None:
    assert indented(document) == json.dumps(document, indent=2)
