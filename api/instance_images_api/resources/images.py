"""Images of an account."""

from instance_images.images.find import find_own_image
from instance_images.images.pages import page_of_images
from instance_images.model.paging import ImageFilter
from instance_images.model.records import ImageStatus
from instance_images.views.fields import as_json
from instance_images.views.records import IMAGE
from instance_images_api.http.lists import account_id_of, listed, page_of
from instance_images_api.http.route import Answer, Call
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
    return listed(
        call, "images", [as_json(IMAGE, image) for image in found.items], found.next_marker
    )


def get_image(call: Call) -> Answer:
    """Return one image."""
    service = call.service
    image = find_own_image(
        service.application,
        service.locations(),
        account_of(call.sender, service.settings),
        call.parameters["image_id"],
    )
    return Answer(200, {"image": as_json(IMAGE, image)})
