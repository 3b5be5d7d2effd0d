"""What the command line adds to errors: the command or option that helps.

Everything below the commands says what is valid for any customer, whichever way he asks. What is
added here is looked up by the error's ``case``. It ends the error's last sentence, or is one of
its own.
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
    "currency": " with --currency",
    "recorded": ": 'instance-images task show {task_id}' finds out what became of it",
    "exists": ", or replace it with --force",
    "force": "Add --force to delete it all the same.",
    "group": " with --group",
    "group exists": ": 'instance-images scaling-group show {name}' shows whether it is the group"
    " that you want",
    "group of project unknown": "'instance-images scaling-group show {name} --project {project}'"
    " shows it.",
    "group unknown": "'instance-images scaling-group show {name}' shows it.",
    "images missing": "Run the command once with --accept-missing then.",
    "jobs": "Use fewer --jobs.",
    "location": " with --location",
    "not found Image": "See 'instance-images image list'.",
    "not found Scaling group": ": see 'instance-images scaling-group list'",
    "not found Task": ": see 'instance-images task list'",
    "project": " with --project",
    "quiesce": "That is without --require-quiesce.",
    "replace": "Add --replace.",
    "retroactive": "Or give --retroactive, which shows first what it costs.",
    "used": "'instance-images scaling-group set-image STACK IMAGE --replace' chooses another;"
    " --force deletes the image all the same.",
    "user data": " (--user-data)",
    "verify": "See 'instance-images meter verify'.",
}


def with_hint(error: InstanceImagesError) -> str:
    """Return the error's message as the command line tells it."""
    message = str(error)
    hint = _HINTS.get(_case_of(error))
    if hint is None:
        return message
    hint = hint.format(**error.facts)
    if hint.startswith((" ", ",", ":")):
        return f"{message.removesuffix('.')}{hint}."
    return f"{message} {hint}"


def hint_for_failed(task: Task) -> str:
    """Return the sentence, after a blank, that says what helps with a task that has failed."""
    if task.kind is not TaskKind.CREATE:
        return ""
    return f" 'instance-images task retry {task.id}' repeats it."


def _case_of(error: InstanceImagesError) -> str:
    if isinstance(error, NotFound) and not error.case:
        return f"not found {error.kind}"
    return error.case
