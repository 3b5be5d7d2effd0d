"""Sphinx reads notebooks: their text, their code, and the outputs that they were saved with.

Nothing is run when the documentation is built; a test runs the notebooks and compares the outputs.
"""

import json
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser

_FENCE = "`" * 4


class NotebookParser(MystParser):
    """Parses a notebook as the page of MyST that it amounts to."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Add the cells to the document."""
        cells = json.loads(inputstring)["cells"]
        super().parse("\n\n".join(part for cell in cells for part in _parts(cell)), document)


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    source = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"{_FENCE}python\n{source}\n{_FENCE}"
    for output in cell["outputs"]:
        shown = output["text"] if "text" in output else output["data"]["text/plain"]
        yield f"{_FENCE}text\n{_text(shown)}\n{_FENCE}"


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def setup(app: Any) -> dict[str, Any]:
    """Register the parser."""
    app.add_source_suffix(".ipynb", "notebook")
    app.add_source_parser(NotebookParser)
    return {"version": "1", "parallel_read_safe": True}
