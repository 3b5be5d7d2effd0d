"""The form of the action Image, with what the image will be and cost."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from horizon import forms
from horizon.utils import memoized
from openstack_dashboard import policy
from openstack_dashboard.api import nova

from instance_images_dashboard import api, texts
from instance_images_dashboard.content.instance_image.actions import CreateImage
from instance_images_dashboard.content.instance_image.forms import CreateImageForm

RUNNING = "ACTIVE"
# Why there can be no image, whatever the form says.
NO_IMAGE = ("feature_not_enabled", "not_found", "not_found_in_body")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the form says of the image to be, or why there cannot be one."""

    size: str = ""
    basis: str = ""
    per_month: str = ""
    free_slots: str = ""
    refusal: Any = None
    trouble: Any = None


class CreateImageView(forms.ModalFormView):
    """Shows the form, and begins the capture."""

    form_class = CreateImageForm
    form_id = "create_instance_image_form"
    modal_id = "create_instance_image_modal"
    template_name = "instance_images/create.html"
    page_title = _("Create Image")
    submit_label = _("Create")
    submit_url = "horizon:project:my_images:create"
    success_url = reverse_lazy("horizon:project:my_images:index")
    cancel_url = reverse_lazy("horizon:project:instances:index")
    is_unavailable = False

    def get_initial(self) -> dict[str, Any]:
        """Return what the form needs beyond what is asked for."""
        return {"instance_id": self.kwargs["instance_id"]}

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return what the form is made of."""
        return {**super().get_form_kwargs(), "is_running": self.instance_status() == RUNNING}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the template shows."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["submit_url"] = reverse(self.submit_url, args=(self.kwargs["instance_id"],))
        instance = self.instance()
        context["instance_name"] = texts.printable(instance.name or "") if instance else ""
        context["is_running"] = self.instance_status() == RUNNING
        context["expectation"] = self.expectation()
        return context

    def instance_status(self) -> str:
        """Return the state of the instance, as Nova has it."""
        instance = self.instance()
        return RUNNING if instance is None else str(instance.status)

    @memoized.memoized_method
    def instance(self) -> Any:
        """Return the instance; None if Nova does not answer: the service will ask it again."""
        try:
            return nova.server_get(self.request, self.kwargs["instance_id"])
        except Exception:  # whatever the compute client raises; the form is of use without it
            return None

    @memoized.memoized_method
    def expectation(self) -> Expectation:
        """Return what the image will be and cost."""
        if self.is_unavailable:  # the form says so
            return Expectation()
        if not policy.check(CreateImage.policy_rules, self.request):
            return Expectation(refusal=_("Your roles do not permit this."))
        try:
            return expectation_of(api.estimate(self.request, self.kwargs["instance_id"]))
        except api.ApiError as error:
            if error.reason in NO_IMAGE:
                return Expectation(refusal=error.message)
            return Expectation(trouble=error.message)

    def form_invalid(self, form: Any) -> Any:
        """Show the form again with what was refused, without waiting for a service that is down."""
        self.is_unavailable = form.is_unavailable
        return super().form_invalid(form)


def expectation_of(estimate: Any) -> Expectation:
    """Return an estimate as it is shown."""
    bases = {
        "last_capture": _("as the last image of this instance"),
        "similar": _("as your images of similar instances"),
        "disk": _("at most: the size of the disk"),
    }
    most, held = estimate.max_images, estimate.held
    return Expectation(
        size=texts.size(estimate.size_bytes),
        basis=str(bases.get(estimate.basis, "")),
        per_month=_amount(estimate),
        free_slots=str(
            _("unlimited")
            if most < 0
            else _("%(free)s of %(most)s") % {"free": max(0, most - held), "most": most}
        ),
        refusal=None if estimate.fits else api.limit_reached(held, most),
    )


def _amount(estimate: Any) -> str:
    if estimate.per_month is None:
        return "-"
    return texts.amount(Decimal(estimate.per_month), texts.printable(estimate.currency))
