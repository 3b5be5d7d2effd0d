"""The addresses of Cloud Usage."""

from django.urls import re_path

from instance_images_dashboard.content.cloud_usage.views import (
    MonthsView,
    MonthView,
    ReportView,
    SectionView,
)

PERIOD = r"(?P<period>[0-9]{4}-(?:0[1-9]|1[0-2]))"
MONTH = rf"{PERIOD}/(?P<currency>[A-Z]{{3}})"
FORMAT = r"(?P<format_name>pdf|xlsx|csv|json)"

urlpatterns = [
    re_path(r"^$", MonthsView.as_view(), name="index"),
    re_path(rf"^{MONTH}/$", MonthView.as_view(), name="month"),
    re_path(rf"^{MONTH}/section/$", SectionView.as_view(), name="section"),
    re_path(rf"^{MONTH}/{FORMAT}/$", ReportView.as_view(), name="report"),
]
