"""The limit of a project in Identity > Projects > Modify Quotas."""

FEATURE = "instance_images_quotas"
ADD_INSTALLED_APPS: list[str] = []

EXTRA_STEPS = {
    "openstack_dashboard.dashboards.identity.projects.workflows.UpdateQuota": (
        "instance_images_dashboard.content.limits.steps.UpdateImageQuota",
    ),
}
