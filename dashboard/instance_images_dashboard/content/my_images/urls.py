"""The addresses of My Images, and of the form of the action Image."""

from django.urls import re_path

from instance_images_dashboard.content.instance_image.views import CreateImageView
from instance_images_dashboard.content.my_images.views import IndexView

ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

urlpatterns = [
    re_path(r"^$", IndexView.as_view(), name="index"),
    re_path(rf"^create/(?P<instance_id>{ID})/$", CreateImageView.as_view(), name="create"),
]
