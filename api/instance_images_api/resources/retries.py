"""Retries of captures that failed."""

from instance_images.images.retry import retry
from instance_images.tasks.find import find_own_task
from instance_images_api.http.route import Answer, Call
from instance_images_api.resources.images import begun
from instance_images_api.service import account_of


def retry_task(call: Call) -> Answer:
    """Begin a failed capture anew."""
    service, task_id = call.service, call.parameters["task_id"]
    own = account_of(call.sender, service.settings)
    place, task = find_own_task(service.application, service.locations(), own, task_id)
    call.require_of(task.project_id)
    site = service.site(call.sender, place.name)
    account = site.account(None)

    def begin() -> str:
        return retry(site, account, task_id, call.key).task_id

    return begun(call, site, account, begin)
