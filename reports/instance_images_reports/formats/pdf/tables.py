"""Tables as the templates of Typst are given them: texts in the reader's words. Pure.

A cell is a text; a list of the parts of a name, between which a line may end; or an object with
``date``, ``time`` and ``note``, of which each stands on a line of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]

NAME, MOMENT, NUMBER = "name", "moment", "number"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading with a second line, what is in it, and what it is as wide as.

    ``share`` is a name's part of the room that numbers leave.
    """

    title: str
    kind: str = NUMBER
    unit: str = ""
    share: float = 1.0
    widest: list[str] = field(default_factory=list)

    def values(self) -> Values:
        """Return the object of the template."""
        return {
            "title": self.title,
            "unit": self.unit,
            "kind": self.kind,
            "share": self.share,
            "widest": self.widest,
        }


def widest(texts: Iterable[str], how_many: int = 3) -> list[str]:
    """Return the longest of the texts: one of them is the widest, near enough."""
    return sorted(set(texts), key=lambda text: (-len(text), text))[:how_many]
