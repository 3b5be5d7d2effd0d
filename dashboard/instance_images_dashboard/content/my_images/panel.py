"""The panel My Images."""

import horizon
from django.utils.translation import gettext_lazy as _

from instance_images_dashboard.api import SERVICE_TYPE


class MyImages(horizon.Panel):
    """Images of the account's instances, and their tasks."""

    name = _("My Images")
    slug = "my_images"
    permissions = (f"openstack.services.{SERVICE_TYPE}",)
    policy_rules = ((SERVICE_TYPE, "images:list"),)
