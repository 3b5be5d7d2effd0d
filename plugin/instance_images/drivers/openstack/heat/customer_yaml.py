"""Reads YAML that customers have written, at a bounded cost. Asks nobody.

What is too large, too deep or has too many parts counts as holding nothing. All scalars are text:
numbers, dates and merged mappings are what a small file makes a parser fail or work for hours with.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

MAX_CHARACTERS = 128 * 1024
MAX_DEPTH = 50
MAX_NODES = 5_000
_NULLS = ("", "~", "null", "Null", "NULL")


def parsed(content: object) -> Mapping[str, Any]:
    """Return the mapping that a file holds; it is empty where it holds something else."""
    import yaml

    if not isinstance(content, str) or len(content) > MAX_CHARACTERS:
        return {}
    try:
        found = yaml.load(content, Loader=_loader_class())  # noqa: S506 - it makes text alone
    except (yaml.YAMLError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@cache
def _loader_class() -> Any:
    import yaml

    class BoundedLoader(yaml.BaseLoader):  # type: ignore[misc]
        """Stops at the first node that is too deep, or one too many."""

        def __init__(self, content: str) -> None:
            super().__init__(content)
            self._depth = self._nodes = 0

        def fetch_flow_collection_start(self, TokenClass: Any) -> None:  # noqa: N803
            # The scanner looks ahead of the parser, and at all open brackets for each token.
            if self.flow_level > MAX_DEPTH:
                raise yaml.YAMLError("too deep")
            super().fetch_flow_collection_start(TokenClass)

        def compose_node(self, parent: Any, index: Any) -> Any:
            self._depth += 1
            self._nodes += 1
            if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
                raise yaml.YAMLError("too deep, or too many parts")
            node = super().compose_node(parent, index)
            self._depth -= 1
            return node

        def construct_scalar(self, node: Any) -> Any:
            text = super().construct_scalar(node)
            return None if node.style is None and text in _NULLS else text

    return BoundedLoader
