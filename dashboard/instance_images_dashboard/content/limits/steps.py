"""The step *Images* of the dialog Modify Quotas: the limits of a project, one per location."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import forms, messages, workflows
from openstack_dashboard import policy

from instance_images_dashboard import api, texts

FIELD = "instance_images_"


class ImageQuotaAction(workflows.Action):
    """A field for each location."""

    class Meta:
        name = _("Images")
        slug = "update_image_quotas"
        help_text = _("Set how many images the project may hold. -1: any number.")

    def __init__(self, request: Any, context: Any, *arguments: Any, **more: Any) -> None:
        super().__init__(request, context, *arguments, **more)
        self.trouble: Any = None
        self.limits: dict[str, Any] = {}
        try:
            limits = api.list_limits(request, self.initial["project_id"])
        except api.ApiError as error:
            self.trouble = error.message
            self.help_text = error.message
            return
        for place, limit in enumerate(sorted(limits, key=lambda one: one.location)):
            self.limits[f"{FIELD}{place}"] = limit
            self.fields[f"{FIELD}{place}"] = self._field(limit, len(limits) > 1)

    @staticmethod
    def _field(limit: Any, are_several: bool) -> Any:
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
                api.set_limit(request, context["project_id"], wanted, limit.location)
            except api.ApiError as error:
                messages.error(request, error.message)
                return False
        return True


class UpdateImageQuota(workflows.Step):
    """The step."""

    action_class = ImageQuotaAction
    template_name = "identity/projects/_common_horizontal_form.html"
    depends_on = ("project_id",)

    def allowed(self, request: Any) -> bool:
        """Return whether the user may set limits."""
        return api.is_offered(request) and bool(
            policy.check(((api.SERVICE_TYPE, "limits:set"),), request)
        )
