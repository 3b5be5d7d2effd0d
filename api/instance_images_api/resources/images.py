"""Images of an account."""

import base64
import binascii
from collections.abc import Callable

from instance_images.deployments.instances import Order, deploy
from instance_images.errors import CloudUnavailable, DatabaseUnavailable, UsageError
from instance_images.images.capture import capture
from instance_images.images.delete import delete
from instance_images.images.find import current_own_image, find_own_image, image_of_task
from instance_images.images.pages import page_of_images
from instance_images.locations.site import Site
from instance_images.model.records import Account, Image, ImageStatus
from instance_images.model.requests.paging import ImageFilter
from instance_images.tasks.find import find_task
from instance_images.tasks.on_record import on_record
from instance_images.views.fields import as_json
from instance_images.views.records import IMAGE
from instance_images_api.http.lists import account_id_of, listed_texts, page_of
from instance_images_api.http.route import Answer, Call
from instance_images_api.resources.tasks import retry_after, task_json
from instance_images_api.service import account_of


def list_images(call: Call) -> Answer:
    """Return a page of images, from their records alone."""
    parameters = call.parameters
    status = parameters.get("status")
    only = ImageFilter(
        status=None if status is None else ImageStatus(status),
        name=parameters.get("name"),
        source_instance_id=parameters.get("source_instance_id"),
    )
    found = page_of_images(
        call.service.application.database,
        call.service.locations(parameters.get("location")),
        account_id_of(call),
        page_of(call),
        only,
    )
    return listed_texts(call, "images", found)


def get_image(call: Call) -> Answer:
    """Return one image, after a look at the cloud where no worker has had one in time."""
    service = call.service
    account, image_id = account_of(call.sender, service.settings), call.parameters["image_id"]
    image = current_own_image(
        service.application, service.locations(), account, image_id, service.overdue_turn
    )
    return Answer(200, {"image": as_json(IMAGE, image)})


def create_image(call: Call) -> Answer:
    """Begin to capture an instance."""
    asked = call.body["image"]
    site = call.service.site(call.sender, asked.get("location"))
    account = site.account(None)

    def begin() -> str:
        return capture(
            site,
            account,
            asked["source_instance_id"],
            asked["name"],
            requires_quiesce=asked.get("require_quiesce", False),
            key=call.key,
        ).task_id

    return begun(call, site, account, begin, with_image=True)


def delete_image(call: Call) -> Answer:
    """Delete an image; where the cloud does not answer, its deletion goes on as a task."""
    site, account, image = _place(call)
    call.require_of(image.project_id)

    try:
        delete(site, account, image.id, force=call.parameters.get("force", False))
    except (CloudUnavailable, DatabaseUnavailable) as error:
        if error.task_id is None:
            raise
        return _accepted(call, site, account, error.task_id)
    return Answer(204)


def deploy_image(call: Call) -> Answer:
    """Begin to make instances from an image."""
    asked = dict(call.body["deploy"])
    site, account, _ = _place(call)
    if asked.pop("location", site.name) != site.name:
        raise UsageError(f"The image is in {site.name}: name that location, or none.")
    try:
        user_data = base64.b64decode(asked.pop("user_data", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("deploy.user_data is not base64.") from error
    order = Order(**asked, user_data=user_data or None)

    def begin() -> str:
        return deploy(site, account, call.parameters["image_id"], order, key=call.key)

    return begun(call, site, account, begin)


def _place(call: Call) -> tuple[Site, Account, Image]:
    """Return where the image of the path is, for its caller, the account, and the image."""
    service = call.service
    own = account_of(call.sender, service.settings)
    image = find_own_image(
        service.application, service.locations(), own, call.parameters["image_id"]
    )
    site = service.site(call.sender, image.location)
    return site, site.account(None), image


def begun(
    call: Call, site: Site, account: Account, begin: Callable[[], str], *, with_image: bool = False
) -> Answer:
    """Answer with the task that was begun, also if cloud or database did not answer afterwards."""
    try:
        task_id = begin()
    except (CloudUnavailable, DatabaseUnavailable) as error:
        if error.task_id is None:
            raise
        task_id = error.task_id
    return _accepted(call, site, account, task_id, with_image=with_image)


def _accepted(
    call: Call, site: Site, account: Account, task_id: str, *, with_image: bool = False
) -> Answer:
    with on_record(task_id):
        task = find_task(site, account, task_id)
        body = {"task": task_json(site, task)}
        if with_image:
            body["image"] = as_json(IMAGE, image_of_task(site, task))
    headers = {"Location": f"{call.base_url}/v1/tasks/{task_id}", **retry_after(site, task)}
    return Answer(202, body, headers)
