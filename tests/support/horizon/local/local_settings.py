"""Horizon's settings in the tests: those that an operator must make, and no others.

Horizon imports them as ``local.local_settings``. The environment has what differs between runs.
"""

import os

from openstack_dashboard.defaults import OPENSTACK_NEUTRON_NETWORK

_home = os.environ["DASHBOARD_HOME"]

ALLOWED_HOSTS = ["127.0.0.1"]
SECRET_KEY = os.environ["DASHBOARD_SECRET_KEY"]
OPENSTACK_KEYSTONE_URL = os.environ["DASHBOARD_KEYSTONE_URL"]
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = f"{_home}/sessions"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STATIC_ROOT = os.environ["DASHBOARD_STATIC_ROOT"]
COMPRESS_OFFLINE = True
# Horizon 27.0.0 cannot save the quotas of a project while it manages Neutron's.
OPENSTACK_NEUTRON_NETWORK = {**OPENSTACK_NEUTRON_NETWORK, "enable_quotas": False}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        name: {"handlers": ["console"], "level": "WARNING", "propagate": False}
        for name in (
            *("django.request", "horizon", "openstack_auth", "openstack_dashboard"),
            *("heat_dashboard", "instance_images_dashboard"),
        )
    },
}
