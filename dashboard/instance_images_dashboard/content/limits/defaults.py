"""The tab Images of Admin > Defaults: the limits of projects without one of their own."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from horizon import tables, tabs
from openstack_dashboard import policy
from openstack_dashboard.dashboards.admin.defaults.tables import UpdateDefaultQuotas

from instance_images_dashboard import api, texts
from instance_images_dashboard.content.api_table import ApiTable
from instance_images_dashboard.content.limits.steps import DefaultImageQuotaAction

SET_DEFAULT = ((api.SERVICE_TYPE, "limits:set_default"),)
SOURCES = {
    "keystone": _("Registered limit in Keystone"),
    "operator": _("This page"),
    "location": _("Configuration of the location"),
    "default": _("Configuration of all locations"),
}


class UpdateDefaultImageQuotas(UpdateDefaultQuotas):
    """Opens the dialog of all default quotas, at the step Images."""

    name = "update_image_defaults"
    step = DefaultImageQuotaAction.slug

    def allowed(self, request: Any, datum: Any = None) -> bool:
        """Return whether the user may set default limits."""
        return bool(policy.check(SET_DEFAULT, request))


class DefaultLimitsTable(ApiTable):
    """Default limits, one per location."""

    location = tables.Column(
        lambda limit: texts.printable(limit.location), verbose_name=_("Location")
    )
    max_images = tables.Column(
        lambda limit: (
            pgettext_lazy("a limit", "Unlimited") if limit.max_images < 0 else limit.max_images
        ),
        verbose_name=_("Images per Project"),
    )
    source = tables.Column(
        lambda limit: SOURCES.get(limit.source, limit.source), verbose_name=_("Set In")
    )

    class Meta:
        name = "image_defaults"
        verbose_name = _("Images")
        table_actions = (UpdateDefaultImageQuotas,)
        multi_select = False

    empty_message = _("There is no location.")

    def get_object_id(self, limit: Any) -> str:
        """Return the location."""
        return str(limit.location)

    def get_object_display(self, limit: Any) -> str:
        """Return the location."""
        return str(limit.location)


class ImageDefaultsTab(tabs.TableTab):
    """The tab."""

    name = _("Images")
    slug = "image_defaults"
    table_classes = (DefaultLimitsTable,)
    template_name = "horizon/common/_detail_table.html"
    preload = False
    policy_rules = ((api.SERVICE_TYPE, "limits:list_defaults"),)

    def allowed(self, request: Any) -> bool:
        """Return whether the service is offered, and the user may see default limits."""
        return api.is_offered(request) and bool(super().allowed(request))

    def get_image_defaults_data(self) -> list[Any]:
        """Return the default limits, by location."""
        try:
            limits = api.list_default_limits(self.request)
        except api.ApiError as error:
            self._tables["image_defaults"].trouble = error.message
            return []
        return sorted(limits, key=lambda one: str(one.location))
