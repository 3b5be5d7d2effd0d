"""The directive ``api-reference`` of Sphinx: the text of ``api_pages``, where it stands."""

from typing import Any

from api_pages import lines_of
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.util.nodes import nested_parse_with_titles

from instance_images_api.document import document


class ApiReference(Directive):
    """Writes the reference where it stands."""

    def run(self) -> list[nodes.Node]:
        """Return the sections, one per tag."""
        content = StringList(list(lines_of(document())), source="OpenAPI document")
        section = nodes.section()
        section.document = self.state.document
        nested_parse_with_titles(self.state, content, section)
        return section.children


def setup(app: Any) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("api-reference", ApiReference)
    return {"version": "1", "parallel_read_safe": True}
