# What mod_wsgi loads: SetEnv does not reach the environment of the process.
import os

os.environ.setdefault("OS_CLIENT_CONFIG_FILE", "/etc/instance-images/clouds.yaml")

from instance_images_api.wsgi import application  # noqa: E402, F401
