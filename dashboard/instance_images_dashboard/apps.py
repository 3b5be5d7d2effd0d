"""What Django loads: when all of Horizon is loaded, its classes get what is ours."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InstanceImagesConfig(AppConfig):
    """The plug-in."""

    name = "instance_images_dashboard"
    label = "instance_images_dashboard"
    verbose_name = _("Instance Images")

    def ready(self) -> None:
        """Change Horizon's own classes."""
        from instance_images_dashboard import horizon_changes

        horizon_changes.apply_all()
