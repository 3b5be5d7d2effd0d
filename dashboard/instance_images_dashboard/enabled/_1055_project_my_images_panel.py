"""My Images in the group Compute, after Images; the tab Images of an instance."""

PANEL = "my_images"
PANEL_DASHBOARD = "project"
PANEL_GROUP = "compute"
ADD_PANEL = "instance_images_dashboard.content.my_images.panel.MyImages"
ADD_INSTALLED_APPS = ["instance_images_dashboard"]
ADD_ANGULAR_MODULES = ["horizon.dashboard.project.instance-images"]
AUTO_DISCOVER_STATIC_FILES = True

EXTRA_TABS = {
    "openstack_dashboard.dashboards.project.instances.tabs.InstanceDetailTabs": (
        (100, "instance_images_dashboard.content.instance_image.tabs.ImagesTab"),
    ),
}
