"""What the stages of a task are called: the service passes on the cloud's own words."""

from typing import Any

from django.utils.translation import pgettext_lazy

_NAMES = {
    "requested": pgettext_lazy("stage of a task", "requested"),
    "done": pgettext_lazy("stage of a task", "done"),
    # of a capture
    "queued": pgettext_lazy("stage of a task", "queued"),
    "image snapshot pending": pgettext_lazy("stage of a task", "image snapshot pending"),
    "image snapshot": pgettext_lazy("stage of a task", "image snapshot"),
    "image pending upload": pgettext_lazy("stage of a task", "image pending upload"),
    "image uploading": pgettext_lazy("stage of a task", "image uploading"),
    "saving": pgettext_lazy("stage of a task", "saving"),
    # of a capture of a volume
    "snapshot requested": pgettext_lazy("stage of a task", "snapshot requested"),
    "snapshot creating": pgettext_lazy("stage of a task", "snapshot creating"),
    "volume requested": pgettext_lazy("stage of a task", "volume requested"),
    "volume creating": pgettext_lazy("stage of a task", "volume creating"),
    "upload requested": pgettext_lazy("stage of a task", "upload requested"),
    "image queued": pgettext_lazy("stage of a task", "image queued"),
    "image saving": pgettext_lazy("stage of a task", "image saving"),
    "upload ended": pgettext_lazy("stage of a task", "upload ended"),
    # of a deployment
    "building": pgettext_lazy("stage of a task", "building"),
    "scheduling": pgettext_lazy("stage of a task", "scheduling"),
    "networking": pgettext_lazy("stage of a task", "networking"),
    "block device mapping": pgettext_lazy("stage of a task", "block device mapping"),
    "spawning": pgettext_lazy("stage of a task", "spawning"),
}


def name_of(stage: str) -> Any:
    """Return the name of a stage in the user's language; one that is not known as it is."""
    words = stage.replace("_", " ")
    return str(_NAMES.get(words, words))
