"""Cloud Usage in the group Compute, after My Images."""

PANEL = "cloud_usage"
PANEL_DASHBOARD = "project"
PANEL_GROUP = "compute"
ADD_PANEL = "instance_images_dashboard.content.cloud_usage.panel.CloudUsage"
