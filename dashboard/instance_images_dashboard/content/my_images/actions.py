"""What can be done with images and tasks, by the buttons of their rows."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import exceptions, messages, tables

from instance_images_dashboard import api, texts


class OwnAction:
    """An action that says why it was refused, and goes on with the others."""

    def attempt(self, request: Any, name: str, work: Any, *arguments: Any) -> None:
        """Run the work; an error of the service becomes a message."""
        try:
            work(request, *arguments)
        except api.ApiError as error:
            messages.error(request, f"{texts.printable(name)}: {error.message}")
            told = (type(error), error, error.__traceback__)
            raise exceptions.HandledException(told) from error


class DeployImage(tables.LinkAction):
    """Opens the wizard Launch Instance with the image chosen."""

    name = "deploy"
    verbose_name = _("Deploy")
    classes = ("btn-launch",)
    icon = "cloud-upload"
    policy_rules = (("compute", "os_compute_api:servers:create"),)

    def __init__(self, attrs: Any = None, **more: Any) -> None:
        super().__init__(attrs, **{**more, "preempt": True})

    def allowed(self, request: Any, image: Any = None) -> bool:
        """Return whether instances can be made of the image now."""
        return image is not None and image.status == "available" and is_in_cloud(image)

    def get_default_attrs(self) -> Any:
        """Return the attributes by which Horizon's own wizard opens; ids are all they hold."""
        image = getattr(self, "datum", None)
        if image is not None and is_in_cloud(image):
            success_url = reverse("horizon:project:instances:index")
            chosen = f"{{successUrl: '{success_url}', imageId: '{image.cloud_image_id}'}}"
            self.attrs["ng-controller"] = "LaunchInstanceModalController as modal"
            self.attrs["ng-click"] = f"modal.openLaunchInstanceWizard({chosen})"
        return super().get_default_attrs()

    def get_link_url(self, image: Any = None) -> str:
        """Return no address: the wizard opens in the page."""
        return "javascript:void(0);"


class _Retry(OwnAction, tables.BatchAction):
    """Begins a failed capture anew, as the same image."""

    name = "retry"
    icon = "refresh"
    help_text = _("The instance is captured again, as the same image.")
    policy_rules = ((api.SERVICE_TYPE, "tasks:retry"),)

    @staticmethod
    def action_present(count: int) -> Any:
        """Return the label."""
        return ngettext_lazy("Retry", "Retry", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """Return what the message begins with."""
        return ngettext_lazy("Creating image again", "Creating images again", count)


class RetryImage(_Retry):
    """Begins the failed capture of an image anew."""

    def allowed(self, request: Any, image: Any = None) -> bool:
        """Return whether there is a failed capture to begin anew."""
        return image is not None and image.status == "error" and bool(image.task_id)

    def action(self, request: Any, image_id: str) -> None:
        """Begin the capture anew."""
        image = self.table.get_object_by_id(image_id)
        self.attempt(request, image.name, api.retry_task, image.task_id)


class DeleteImage(OwnAction, tables.DeleteAction):
    """Deletes images for good, after a confirmation."""

    policy_rules = ((api.SERVICE_TYPE, "images:delete"),)
    help_text = _(
        "Deletion is permanent: the image cannot be recovered. Instances deployed from it are not"
        " affected."
    )

    @staticmethod
    def action_present(count: int) -> Any:
        """Return the label."""
        return ngettext_lazy("Delete Image", "Delete Images", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """Return what the message begins with."""
        return ngettext_lazy("Deleted Image", "Deleted Images", count)

    def allowed(self, request: Any, image: Any = None) -> bool:
        """Return whether the image is not being deleted already."""
        return image is None or image.status != "deleting"

    def delete(self, request: Any, image_id: str) -> None:
        """Delete the image."""
        image = self.table.get_object_by_id(image_id)
        self.attempt(request, image.name, api.delete_image, image_id)


class FilterImages(tables.FilterAction):
    """Asks the service for the images that match, whatever page they are on."""

    filter_type = "server"
    filter_choices = (
        ("name", _("Name ="), True),
        ("status", _("Status ="), True),
        ("source_instance_id", _("Source Instance ID ="), True),
    )


class RetryTask(_Retry):
    """Begins the failed capture of a task anew."""

    def allowed(self, request: Any, task: Any = None) -> bool:
        """Return whether the task is a capture that has failed."""
        return task is not None and task.kind == "create" and task.state == "failed"

    def action(self, request: Any, task_id: str) -> None:
        """Begin the capture anew."""
        task = self.table.get_object_by_id(task_id)
        self.attempt(request, task.image_name, api.retry_task, task_id)

    def get_success_url(self, request: Any = None) -> str:
        """Return to the tasks."""
        return str(self.table.get_full_url())


def is_in_cloud(image: Any) -> bool:
    """Return whether Glance has the image, under an id that can stand in a page."""
    return bool(image.cloud_image_id) and api.is_id(image.cloud_image_id)
