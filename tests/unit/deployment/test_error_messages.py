"""No message below the commands names a command or an option: not everybody has a command line."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from instance_images import errors
from instance_images.commands.hints import _HINTS, with_hint
from instance_images.errors import InstanceImagesError

from support.clouds.embedded_cloud import CHECKOUT

PARTS = ("plugin/instance_images", "billing_job/instance_images_billing",
         "reports/instance_images_reports", "api/instance_images_api")  # fmt: skip
# The name of this product's command with one of its commands, or an option.
NAMED = re.compile(r"instance-images [a-z]|(^|[\s('])--[a-z]")

# What only an operator ever reads, at a shell: findings of the doctor, descriptions of options, the
# schema and the ledger. The API tells of them as a fault of its own, without their words.
FOR_OPERATORS = {
    "plugin/instance_images/config/",
    "plugin/instance_images/db/engine.py",
    "plugin/instance_images/db/copy_ledger.py",
    "plugin/instance_images/db/schema.py",
    "plugin/instance_images/doctor/",
    "plugin/instance_images/drivers/openstack/doctor.py",
    "plugin/instance_images/drivers/openstack/heat/doctor.py",
    "billing_job/instance_images_billing/doctor.py",
    "billing_job/instance_images_billing/hours/",
    "billing_job/instance_images_billing/months/",
    "reports/instance_images_reports/budgets/doctor.py",
    "reports/instance_images_reports/config.py",
    "reports/instance_images_reports/doctor.py",
}

# API.md's reasons that are the codes of errors.
CODES = {
    "usage", "not_found", "wrong_state", "refused", "limit_reached", "feature_not_enabled",
    "rate_in_force", "cloud_unavailable", "database_unavailable", "idempotency_key_reused",
}  # fmt: skip


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module with their lines, without its docstrings."""
    tree = ast.parse(source)
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, kinds) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def modules() -> Iterator[tuple[str, Path]]:
    """Yield the modules below the commands, with their names in the tree."""
    for part in PARTS:
        for path in sorted((CHECKOUT / part).rglob("*.py")):
            name = str(path.relative_to(CHECKOUT))
            if "/commands/" not in name and not name.startswith(tuple(FOR_OPERATORS)):
                yield name, path


def test_no_message_names_a_command_or_an_option() -> None:
    found = [
        f"{name}:{line}: {text!r}"
        for name, path in modules()
        for line, text in strings(path.read_text())
        if NAMED.search(text)
    ]

    assert found == [], "move what helps at a shell to commands/hints.py"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('raise Refused("Add --force.")', 1),
        ('raise Refused(f"{error} See \'instance-images image list\'.", case="x")', 1),
        ('def f():\n    """Add --force."""\n    raise Refused("Ask again - or not.")', 0),
    ],
)
def test_messages_that_name_one_are_found(source: str, count: int) -> None:
    assert len([text for _, text in strings(source) if NAMED.search(text)]) == count


def all_errors(kind: type[InstanceImagesError]) -> Iterator[type[InstanceImagesError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from all_errors(narrower)


def test_errors_have_the_codes_of_the_api() -> None:
    import instance_images_billing.rates.rates  # noqa: F401 - defines errors of its own

    codes = {kind.code for kind in all_errors(InstanceImagesError)}

    assert codes >= CODES
    assert all(re.fullmatch("[a-z_]+", code) for code in codes)


def cases_raised() -> set[str]:
    """Return the texts that errors of all parts are given as their case."""
    return {
        str(text.value)
        for part in PARTS
        for path in (CHECKOUT / part).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword) and node.arg == "case"
        for text in ast.walk(node.value)
        if isinstance(text, ast.Constant)
    }


def test_every_hint_is_of_an_error_and_fits_it() -> None:
    kinds = {f"not found {kind}" for kind in ("Image", "Task", "Scaling group")}

    assert set(_HINTS) - kinds <= cases_raised() | {"replace"}  # which is chosen before
    assert with_hint(errors.Refused("Name one.", case="project")) == "Name one with --project."
    assert with_hint(errors.Refused("It is used.", case="force")) == (
        "It is used. Add --force to delete it anyway."
    )
    assert with_hint(errors.NotFound("Task", "x", "There is none.")) == (
        "Task 'x' was not found. There is none: see 'instance-images task list'."
    )
    assert with_hint(errors.CloudUnavailable("Lost.", task_id="{t}", case="recorded")) == (
        "Lost: 'instance-images task show {t}' shows its outcome."
    )
    assert with_hint(errors.Refused("As it is.")) == "As it is."


def test_errors_bear_their_facts() -> None:
    error = errors.CloudUnavailable("No answer.", 503, 7, task_id="t", case="recorded")
    reached = errors.LimitReached("acme", "RegionOne", 10, 10)

    assert (error.status, error.retry_after_seconds, error.task_id) == (503, 7, "t")
    assert (error.case, error.facts) == ("recorded", {"task_id": "t"})
    assert (reached.held, reached.max_images, reached.location) == (10, 10, "RegionOne")
