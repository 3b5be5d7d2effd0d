"""The panel Cloud Usage of operators."""

import horizon
from django.utils.translation import gettext_lazy as _

from instance_images_dashboard.api import SERVICE_TYPE


class UsageSummary(horizon.Panel):
    """What all accounts are charged for their images, by month."""

    name = _("Cloud Usage")
    slug = "usage_summary"
    permissions = (f"openstack.services.{SERVICE_TYPE}",)
    policy_rules = ((SERVICE_TYPE, "reports:get_all"),)
