"""The tab Images of an instance."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from instance_images_dashboard import api
from instance_images_dashboard.content.my_images.tables import INDEX, ImagesTable
from instance_images_dashboard.content.my_images.tabs import ListTab


class InstanceImagesTable(ImagesTable):
    """The images of one instance; its rows and buttons are those of My Images."""

    class Meta(ImagesTable.Meta):
        table_actions: tuple[Any, ...] = ()
        multi_select = False

    empty_message = _("There are no images of this instance.")

    def get_absolute_url(self) -> str:
        """Return My Images, which answers for the rows."""
        return str(reverse(INDEX))

    def get_full_url(self) -> str:
        """Return My Images, which does what the buttons ask for."""
        return str(reverse(INDEX))


class ImagesTab(ListTab):
    """The images that were captured from the instance, the newest first."""

    name = _("Images")
    slug = "instance_images"
    table_classes = (InstanceImagesTable,)
    policy_rules = ((api.SERVICE_TYPE, "images:list"),)

    def allowed(self, request: Any) -> bool:
        """Return whether the service is offered, and the user may list images."""
        return api.is_offered(request) and bool(super().allowed(request))

    def get_my_images_data(self) -> list[Any]:
        """Return the images of the instance."""
        instance_id = self.tab_group.kwargs["instance_id"]
        table = self._tables["my_images"]
        found = self.page_of(table, api.list_images, source_instance_id=instance_id)
        table.is_filtered = False
        return table.with_prices(found)
