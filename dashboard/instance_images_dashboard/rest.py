"""What the scripts of the wizard Launch Instance ask for."""

from typing import Any

from django.views import generic
from openstack_dashboard.api.rest import urls
from openstack_dashboard.api.rest import utils as rest_utils

from instance_images_dashboard import api, texts


@urls.register
class Images(generic.View):
    """The images that instances can be made from."""

    url_regex = r"instance-images/images/$"

    @rest_utils.ajax()
    def get(self, request: Any) -> Any:
        """Return the available images, in the words of Glance; 503 without an answer."""
        try:
            found = api.available_images(request)
        except api.ApiError as error:
            return rest_utils.JSONResponse(str(error.message), 503)
        return {"items": [in_words_of_glance(image) for image in found]}


def in_words_of_glance(image: Any) -> dict[str, Any]:
    """Return an image as the wizard needs it, where Glance's list does not have it."""
    name = texts.printable(image.name)
    return {
        "id": image.cloud_image_id,
        "name": name,
        "name_or_id": name,
        "size": image.size_bytes,
        "updated_at": image.available_at,
        "min_disk": 0,
        "min_ram": 0,
        "properties": {},
    }
