"""How many images the project holds and may hold, on the page Overview."""

from typing import Any

from openstack_dashboard.api import base

from instance_images_dashboard import api

QUOTA_KEY = "instance_images"


def add_limit(request: Any, usages: Any) -> None:
    """Add the limit of the user's location to the limits shown; without an answer, nothing."""
    if not api.is_offered(request):
        return
    try:
        limit = api.limit_here(request)
    except api.ApiError:
        return
    if limit is not None:
        usages.add_quota(base.Quota(QUOTA_KEY, limit.max_images))
        usages.tally(QUOTA_KEY, limit.held)
