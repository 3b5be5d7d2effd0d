"""Tasks of an account."""

import math
from typing import Any

from instance_images.locations.site import Site
from instance_images.model.records import UNFINISHED, Task, TaskKind, TaskReport, TaskState
from instance_images.model.requests.paging import TaskFilter
from instance_images.tasks.find import current_own_task
from instance_images.tasks.pages import page_of_tasks
from instance_images.tasks.reports import report_tasks
from instance_images.views.fields import as_json
from instance_images.views.records import TASK
from instance_images_api.http.lists import account_id_of, listed, page_of
from instance_images_api.http.route import Answer, Call
from instance_images_api.service import account_of


def list_tasks(call: Call) -> Answer:
    """Return a page of tasks, from their records alone."""
    parameters = call.parameters
    state, kind = parameters.get("state"), parameters.get("kind")
    only = TaskFilter(
        image_id=parameters.get("image_id"),
        state=None if state is None else TaskState(state),
        kind=None if kind is None else TaskKind(kind),
    )
    names = call.service.locations(parameters.get("location"))
    application = call.service.application
    found = page_of_tasks(application.database, names, account_id_of(call), page_of(call), only)
    reports = report_tasks(application.site(names[0]), found.items)
    shown = [_shown(one, is_wider=call.is_wider) for one in reports]
    return listed(call, "tasks", shown, found.next_marker)


def get_task(call: Call) -> Answer:
    """Return one task, after a look at the cloud where no worker has had one in time.

    Retry-After says when an unfinished one is worth another look.
    """
    service = call.service
    account, task_id = account_of(call.sender, service.settings), call.parameters["task_id"]
    site, task = current_own_task(
        service.application, service.locations(), account, task_id, service.overdue_turn
    )
    return Answer(200, {"task": task_json(site, task)}, retry_after(site, task))


def task_json(site: Site, task: Task) -> dict[str, Any]:
    """Return the fields of a task, as they are now."""
    return _shown(report_tasks(site, [task])[0], is_wider=False)


def _shown(report: TaskReport, *, is_wider: bool) -> dict[str, Any]:
    """Return the fields; whose request it was is for an operator alone."""
    fields = as_json(TASK, report)
    return fields if is_wider else fields | {"user_id": None}


def retry_after(site: Site, task: Task) -> dict[str, str]:
    """Return the header that says when to look again: when the task is checked next."""
    if task.state not in UNFINISHED or task.look_at is None:
        return {}
    seconds = max(math.ceil((task.look_at - site.clock()).total_seconds()), 1)
    return {"Retry-After": str(seconds)}
