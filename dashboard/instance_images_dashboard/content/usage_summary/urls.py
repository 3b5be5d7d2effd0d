"""The addresses of the operator's Cloud Usage: of all accounts, and of one."""

from django.urls import re_path

from instance_images_dashboard.content.cloud_usage.urls import FORMAT, MONTH, PERIOD
from instance_images_dashboard.content.usage_summary import views

ACCOUNT = r"accounts/(?P<account_id>[0-9A-Za-z_-]{1,64})"

urlpatterns = [
    re_path(r"^$", views.SummaryView.as_view(), name="index"),
    re_path(rf"^{PERIOD}/$", views.SummaryView.as_view(), name="month"),
    re_path(rf"^{PERIOD}/page/$", views.PageView.as_view(), name="page"),
    re_path(rf"^{PERIOD}/(?P<format_name>csv|json)/$", views.FileView.as_view(), name="file"),
    re_path(rf"^{ACCOUNT}/$", views.AccountMonthsView.as_view(), name="account_index"),
    re_path(rf"^{ACCOUNT}/{MONTH}/$", views.AccountMonthView.as_view(), name="account_month"),
    re_path(
        rf"^{ACCOUNT}/{MONTH}/section/$",
        views.AccountSectionView.as_view(),
        name="account_section",
    ),
    re_path(
        rf"^{ACCOUNT}/{MONTH}/{FORMAT}/$",
        views.AccountReportView.as_view(),
        name="account_report",
    ),
]
