"""The rules by which buttons are shown; the service itself decides what is allowed."""

from pathlib import Path

from django.conf import settings

import instance_images_dashboard

conf = Path(instance_images_dashboard.__file__).parent / "conf"

# If the API has a policy file of its own, name it in a later file of this folder.
settings.POLICY_FILES.setdefault("instance-images", str(conf / "instance_images_policy.yaml"))
settings.DEFAULT_POLICY_FILES.setdefault(
    "instance-images", str(conf / "default_policies" / "instance_images.yaml")
)
