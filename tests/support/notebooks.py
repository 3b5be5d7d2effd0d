"""Runs the code cells of a notebook in this process, as a kernel would, and keeps their outputs.

A cell that ends in an expression shows its value as text. That is all that our notebooks need, so
no kernel is installed for them.
"""

import ast
import contextlib
import io
import json
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def run_cells(path: Path) -> list[Cell]:
    """Return the notebook's cells as they are after a run from the first to the last."""
    cells: list[Cell] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    scope: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for cell in cells:
        if cell["cell_type"] == "code":
            count += 1
            cell["execution_count"] = count
            cell["outputs"] = _outputs(text_of(cell["source"]), scope, count)
    return cells


def text_of(source: str | list[str]) -> str:
    """Return the text of a cell or output, which notebooks also keep as a list of lines."""
    return source if isinstance(source, str) else "".join(source)


def save(path: Path, cells: list[Cell]) -> None:
    """Write the cells into the notebook."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"] = cells
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _outputs(source: str, scope: dict[str, Any], count: int) -> list[Cell]:
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    out, value = io.StringIO(), None
    with contextlib.redirect_stdout(out):
        exec(compile(tree, "notebook", "exec"), scope)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "notebook", "eval"), scope)
    outputs: list[Cell] = []
    if out.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": out.getvalue()})
    if value is not None:
        outputs.append(
            {
                "data": {"text/plain": repr(value)},
                "execution_count": count,
                "metadata": {},
                "output_type": "execute_result",
            }
        )
    return outputs
