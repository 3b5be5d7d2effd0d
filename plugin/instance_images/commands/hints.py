"""What the command line adds to errors: the command or option that helps.

Messages of errors are valid for any customer and interface. The hint is looked up by the error's
``case``. It completes the error's last sentence, or is a sentence of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from instance_images.errors import InstanceImagesError, NotFound
from instance_images.model.records import TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from instance_images.model.records import Task

_HINTS: Mapping[str, str] = {
    "account": " with --account",
    "accounts": " with --account; known are: {known}",
    "known accounts": "Known are: {known}.",
    "budgets": "'instance-images budget list' shows all.",
    "clock behind": ", or run with --accept-clock and see the corrections that it posts",
    "currency": " with --currency",
    "recorded": ": 'instance-images task show {task_id}' shows its outcome",
    "exists": ", or replace it with --force",
    "force": "Add --force to delete it anyway.",
    "group": " with --group",
    "group exists": ": see 'instance-images scaling-group show {name}'",
    "group of project unknown": "'instance-images scaling-group show {name} --project {project}'"
    " shows it.",
    "group unknown": "'instance-images scaling-group show {name}' shows it.",
    "images missing": "To confirm it, run the command once with --accept-missing.",
    "jobs": "Use fewer --jobs.",
    "location": " with --location",
    "not found Image": "See 'instance-images image list'.",
    "not found Scaling group": ": see 'instance-images scaling-group list'",
    "not found Task": ": see 'instance-images task list'",
    "open month": "To mail interim reports, add --open.",
    "project": " with --project",
    "quiesce": "To do so, leave out --require-quiesce.",
    "replace": "Add --replace.",
    "retroactive": "Or add --retroactive: it shows the cost first.",
    "used": (
        "'instance-images scaling-group set-image STACK IMAGE --replace' chooses another;"
        " --force deletes the image anyway."
    ),
    "user data": " (--user-data)",
    "verify": "See 'instance-images meter verify'.",
}


def with_hint(error: InstanceImagesError) -> str:
    """Return the error's message with the hint of the command line."""
    message = str(error)
    hint = _HINTS.get(_case_of(error))
    if hint is None:
        return message
    hint = hint.format(**error.facts)
    if hint.startswith((" ", ",", ":")):
        return f"{message.removesuffix('.')}{hint}."
    return f"{message} {hint}"


def hint_for_failed(task: Task) -> str:
    """Return the hint for a failed task, with a leading space; empty if there is none."""
    if task.kind is not TaskKind.CREATE:
        return ""
    return f" 'instance-images task retry {task.id}' repeats it."


def _case_of(error: InstanceImagesError) -> str:
    if isinstance(error, NotFound) and not error.case:
        return f"not found {error.kind}"
    return error.case
