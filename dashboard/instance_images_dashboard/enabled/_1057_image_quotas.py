"""The limit of a project in Modify Quotas; the default limit in Admin > Defaults."""

FEATURE = "instance_images_quotas"
ADD_INSTALLED_APPS: list[str] = []

EXTRA_STEPS = {
    "openstack_dashboard.dashboards.identity.projects.workflows.UpdateQuota": (
        "instance_images_dashboard.content.limits.steps.UpdateImageQuota",
    ),
    "openstack_dashboard.dashboards.admin.defaults.workflows.UpdateDefaultQuotas": (
        "instance_images_dashboard.content.limits.steps.UpdateDefaultImageQuota",
    ),
}

EXTRA_TABS = {
    "openstack_dashboard.dashboards.admin.defaults.tabs.DefaultsTabs": (
        (100, "instance_images_dashboard.content.limits.defaults.ImageDefaultsTab"),
    ),
}
