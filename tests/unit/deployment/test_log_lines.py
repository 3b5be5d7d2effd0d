"""The log lines of the product: levels, ids only, and those that operators alert on."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PARTS = ("plugin", "billing_job", "reports", "api")
ALERTS = ROOT / "etc/README.md"
METHODS = {"info": "INFO", "warning": "WARNING", "error": "ERROR", "exception": "ERROR"}
# What a line may begin with, after its location: what happened to the work.
WARNINGS = (
    "Postponed",
    "Skipped",
    "Could not",
    "Gave up",
    "Stopped",
    "%s",
    "%d projects are out of balance",
)
# An object of which only ids may be logged: its name is from a customer.
NAMED = re.compile(r"\b(account|image|instance|server|project|stack|flavor|group|request)\.name\b")
# A change and where it is logged, once in the code.
CHANGES = {
    "capture of instance": "images/capture.py",
    "deletion of image": "images/delete.py",
    "deployment of": "deployments/instances.py",
    "retry of task": "images/retry.py",
    "task %s: %s %s requested": "tasks/volume_steps.py",
    "limit of account": "locations/limits.py",
    "rate set to": "rates/rates.py",
    "Period %s is closed": "hours/digests.py",
    "Adjustment of image": "ledger/adjustments.py",
    ", in %.2f s.": "hours/outcome.py",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCall:
    """A call of a module's logger. ``text`` is its constant message, or empty."""

    path: str
    line: int
    level: str
    text: str
    values: str


def _calls() -> Iterator[LogCall]:
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if "LOG" not in source and ".error(" not in source:
                continue
            for node in ast.walk(ast.parse(source)):
                call = _call_of(node)
                if call is not None:
                    first = call.args[0]
                    yield LogCall(
                        path=str(path.relative_to(ROOT)),
                        line=call.lineno,
                        level=METHODS[call.func.attr],  # type: ignore[attr-defined]
                        text=str(first.value) if isinstance(first, ast.Constant) else "",
                        values=", ".join(ast.unparse(one) for one in call.args[1:]),
                    )


def _call_of(node: ast.AST) -> ast.Call | None:
    """Return the node if it calls ``LOG.info`` or the like, or ``getLogger(...).error``."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return None
    owner = ast.unparse(node.func.value)
    is_log = owner == "LOG" or owner.startswith("logging.getLogger(")
    return node if is_log and node.func.attr in METHODS else None


CALLS = list(_calls())


def _is_text(fragment: str) -> bool:
    """Return whether the product's code has the text anywhere."""
    sources = (path for part in PARTS for path in (ROOT / part).rglob("*.py"))
    return any(fragment in path.read_text(encoding="utf-8") for path in sources)


def _alerts() -> list[tuple[str, str]]:
    """Return level and fragment of each line that ``etc/README.md`` lists."""
    found = []
    for row in ALERTS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in row.split("|")]
        if len(cells) > 2 and cells[1] in set(METHODS.values()):
            found += [(cells[1], fragment) for fragment in re.findall("`([^`]+)`", cells[2])]
    return found


@pytest.mark.parametrize(("level", "fragment"), _alerts())
def test_each_line_to_alert_on_is_in_the_code(level: str, fragment: str) -> None:
    levels = {call.level for call in CALLS if fragment in call.text}

    if levels:
        assert level in levels
    else:  # a message that is logged as a value
        assert _is_text(fragment)


def test_each_error_line_is_listed_to_alert_on() -> None:
    listed = [fragment for level, fragment in _alerts() if level == "ERROR"]

    errors = [call for call in CALLS if call.level == "ERROR" and call.text]
    assert len(errors) > 3
    assert [c for c in errors if not any(one in c.text for one in listed)] == []


def test_a_warning_begins_with_what_happened_to_the_work() -> None:
    warnings = [call for call in CALLS if call.level == "WARNING"]

    assert [c for c in warnings if not c.text.removeprefix("%s: ").startswith(WARNINGS)] == []


def test_lines_name_ids_alone() -> None:
    assert [call for call in CALLS if NAMED.search(call.values)] == []


@pytest.mark.parametrize(("fragment", "path"), CHANGES.items())
def test_each_change_is_logged_in_one_place(fragment: str, path: str) -> None:
    [call] = [call for call in CALLS if fragment in call.text]

    assert call.level == "INFO"
    assert call.path.endswith(path)
