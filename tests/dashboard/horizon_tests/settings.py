"""Horizon's settings for unit tests, with the plug-in beside Horizon's own panels."""

from openstack_dashboard import enabled
from openstack_dashboard.test.settings import *  # noqa: F403
from openstack_dashboard.test.settings import HORIZON_CONFIG, INSTALLED_APPS
from openstack_dashboard.utils.settings import update_dashboards

from instance_images_dashboard import enabled as own_enabled

for name in ("dashboards", "default_dashboard"):
    HORIZON_CONFIG.pop(name, None)
INSTALLED_APPS = list(INSTALLED_APPS)
update_dashboards([enabled, own_enabled], HORIZON_CONFIG, INSTALLED_APPS)
INSTALLED_APPS = list(dict.fromkeys(INSTALLED_APPS))

# Style sheets and scripts are not looked at here.
COMPRESS_ENABLED = False
COMPRESS_PRECOMPILERS = ()
