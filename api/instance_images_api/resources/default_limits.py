"""Default limits: for accounts without one of their own."""

from instance_images.locations.default_limits import find_default_limit, set_default_limit
from instance_images.locations.site import Site
from instance_images.views.fields import as_json
from instance_images.views.records import DEFAULT_LIMIT
from instance_images_api.http.errors import missing
from instance_images_api.http.route import Answer, Call


def list_default_limits(call: Call) -> Answer:
    """Return the default limit of each location."""
    service = call.service
    found = [find_default_limit(service.site(call.sender, name)) for name in service.locations()]
    return Answer(200, {"default_limits": [as_json(DEFAULT_LIMIT, limit) for limit in found]})


def put_default_limit(call: Call) -> Answer:
    """Set the default limit of a location."""
    limit = set_default_limit(_site(call), call.body["default_limit"]["max_images"])
    return Answer(200, {"default_limit": as_json(DEFAULT_LIMIT, limit)})


def delete_default_limit(call: Call) -> Answer:
    """Remove what was set: the configuration applies again."""
    set_default_limit(_site(call), None)
    return Answer(204)


def _site(call: Call) -> Site:
    name = call.parameters["location"]
    if name not in call.service.locations():
        raise missing("location")
    return call.service.site(call.sender, name)
