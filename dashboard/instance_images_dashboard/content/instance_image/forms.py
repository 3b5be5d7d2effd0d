"""The form of the action Image."""

import uuid
from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import forms, messages

from instance_images_dashboard import api, texts


def new_key() -> str:
    """Return a key of its own for each form that is opened: posted twice, it makes one image."""
    return str(uuid.uuid4())


class CreateImageForm(forms.SelfHandlingForm):
    """Asks for the name of the image."""

    name = forms.CharField(
        label=_("Image Name"),
        max_length=255,
        help_text=_("For example: production-web-server-v2"),
    )
    require_quiesce = forms.BooleanField(
        label=_("Require frozen file systems"),
        required=False,
        help_text=_(
            "Refuse to create the image if the guest agent of the instance cannot freeze its file"
            " systems."
        ),
    )
    key = forms.UUIDField(widget=forms.HiddenInput(), initial=new_key)
    is_unavailable = False

    def __init__(self, request: Any, *arguments: Any, is_running: bool = True, **more: Any) -> None:
        super().__init__(request, *arguments, **more)
        if not is_running:  # there is nothing to freeze
            del self.fields["require_quiesce"]

    def handle(self, request: Any, data: dict[str, Any]) -> bool:
        """Begin to capture the instance; a refusal is shown in the form."""
        try:
            api.create_image(
                request,
                instance_id=str(self.initial["instance_id"]),
                name=data["name"],
                requires_quiesce=data.get("require_quiesce", False),
                key=str(data["key"]),
            )
        except api.ApiError as error:
            self.is_unavailable = isinstance(error, api.Unavailable)
            self.api_error(error.message)
            return False
        messages.success(
            request,
            _('Creating image "%s". My Images shows when it is available.')
            % texts.printable(data["name"]),
        )
        return True
