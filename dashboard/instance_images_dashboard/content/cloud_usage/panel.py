"""The panel Cloud Usage."""

import horizon
from django.utils.translation import gettext_lazy as _

from instance_images_dashboard.api import SERVICE_TYPE


class CloudUsage(horizon.Panel):
    """What the account is charged for its images, by month."""

    name = _("Cloud Usage")
    slug = "cloud_usage"
    permissions = (f"openstack.services.{SERVICE_TYPE}",)
    policy_rules = ((SERVICE_TYPE, "reports:get"),)
