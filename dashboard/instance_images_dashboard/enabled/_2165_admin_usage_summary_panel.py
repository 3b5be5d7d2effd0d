"""Cloud Usage of all accounts, in the group Compute of Admin."""

PANEL = "usage_summary"
PANEL_DASHBOARD = "admin"
PANEL_GROUP = "compute"
ADD_PANEL = "instance_images_dashboard.content.usage_summary.panel.UsageSummary"
