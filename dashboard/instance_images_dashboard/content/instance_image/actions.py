"""The action Image of an instance."""

from typing import Any

from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from horizon import tables
from openstack_dashboard.dashboards.project.instances import tables as instances

from instance_images_dashboard import api

# The states that the service captures instances in.
CAPTURED_STATES = ("ACTIVE", "PAUSED", "SHUTOFF", "SUSPENDED")


class CreateImage(tables.LinkAction):
    """Opens the form that captures the instance. Nothing is asked of the service before that."""

    name = "instance_image"
    # Row actions have no icons of their own.
    verbose_name = lazy(format_html, str)(
        '<span class="fa fa-camera" aria-hidden="true"></span> {}', _("Image")
    )
    url = "horizon:project:my_images:create"
    classes = ("ajax-modal",)
    policy_rules = ((api.SERVICE_TYPE, "images:create"),)

    def allowed(self, request: Any, instance: Any = None) -> bool:
        """Return whether the instance can be captured where the service is offered."""
        if instance is None or not api.is_offered(request):
            return False
        return instance.status in CAPTURED_STATES and not instances.is_deleting(instance)
