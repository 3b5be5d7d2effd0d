"""The step *Images* of two dialogs: the limits of a project, and those of all other projects."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import forms, messages, workflows
from openstack_dashboard import policy

from instance_images_dashboard import api, texts

FIELD = "instance_images_"


class _LimitsAction(workflows.Action):
    """A field for each location."""

    def __init__(self, request: Any, context: Any, *arguments: Any, **more: Any) -> None:
        super().__init__(request, context, *arguments, **more)
        self.trouble: Any = None
        self.limits: dict[str, Any] = {}
        try:
            limits = self.find_limits(request)
        except api.ApiError as error:
            self.trouble = error.message
            self.help_text = error.message
            return
        for place, limit in enumerate(sorted(limits, key=lambda one: one.location)):
            self.limits[f"{FIELD}{place}"] = limit
            self.fields[f"{FIELD}{place}"] = self.field_of(limit, len(limits) > 1)

    def find_limits(self, request: Any) -> list[Any]:
        """Return the limits, one per location."""
        raise NotImplementedError

    def set_limit(self, request: Any, context: dict[str, Any], limit: Any, wanted: int) -> None:
        """Change one of them."""
        raise NotImplementedError

    def field_of(self, limit: Any, are_several: bool) -> Any:
        """Return the field of a limit."""
        label = _("Images")
        if are_several:
            label = _("Images at %s") % texts.printable(limit.location)
        return forms.IntegerField(min_value=-1, label=label, initial=limit.max_images)

    def handle(self, request: Any, context: dict[str, Any]) -> bool:
        """Set the limits that were changed."""
        if self.trouble is not None:
            return not any(name.startswith(FIELD) for name in request.POST)
        for name, limit in self.limits.items():
            wanted = self.cleaned_data[name]
            if wanted == limit.max_images:
                continue
            try:
                self.set_limit(request, context, limit, wanted)
            except api.ApiError as error:
                messages.error(request, error.message)
                return False
        return True


class ImageQuotaAction(_LimitsAction):
    """The limits of a project."""

    class Meta:
        name = _("Images")
        slug = "update_image_quotas"
        help_text = _("Set how many images the project may hold. -1: any number.")

    def find_limits(self, request: Any) -> list[Any]:
        """Return those of the project."""
        return api.list_limits(request, self.initial["project_id"])

    def set_limit(self, request: Any, context: dict[str, Any], limit: Any, wanted: int) -> None:
        """Set one for the project."""
        api.set_limit(request, context["project_id"], wanted, limit.location)


class UpdateImageQuota(workflows.Step):
    """The step of Modify Quotas."""

    action_class = ImageQuotaAction
    template_name = "identity/projects/_common_horizontal_form.html"
    depends_on = ("project_id",)

    def allowed(self, request: Any) -> bool:
        """Return whether the user may set limits."""
        return api.is_offered(request) and bool(
            policy.check(((api.SERVICE_TYPE, "limits:set"),), request)
        )


class DefaultImageQuotaAction(_LimitsAction):
    """The limits of all projects without one of their own."""

    class Meta:
        name = _("Images")
        slug = "update_default_image_quotas"
        help_text = _(
            "Set how many images a project without a limit of its own may hold. -1: any number."
        )

    def find_limits(self, request: Any) -> list[Any]:
        """Return the default limits."""
        return api.list_default_limits(request)

    def field_of(self, limit: Any, are_several: bool) -> Any:
        """Return the field; it is read only where Keystone holds the limit."""
        field = super().field_of(limit, are_several)
        if limit.source == "keystone":
            field.disabled = True
            field.help_text = _("This is Keystone's registered limit: change it there.")
        return field

    def set_limit(self, request: Any, context: dict[str, Any], limit: Any, wanted: int) -> None:
        """Set one of them."""
        api.set_default_limit(request, limit.location, wanted)


class UpdateDefaultImageQuota(workflows.Step):
    """The step of Update Default Quotas."""

    action_class = DefaultImageQuotaAction

    def allowed(self, request: Any) -> bool:
        """Return whether the user may set default limits."""
        return api.is_offered(request) and bool(
            policy.check(((api.SERVICE_TYPE, "limits:set_default"),), request)
        )
