"""A process that is killed (kill -9) just before or just after it asks for two instances.

Arguments: the configuration file, the account, ``before`` or ``after``. See test_deploy.py.
"""

import os
import signal
import sys
from pathlib import Path

from instance_images.config.settings import load_settings
from instance_images.deployments.instances import Order, deploy
from instance_images.drivers.openstack.driver import OpenStackProvider
from instance_images.locations.application import Application
from instance_images.locations.site import Site
from instance_images.model.cloud import ServerRequest

CONFIG_FILE, ACCOUNT, KILLED = sys.argv[1:]


class MortalProvider(OpenStackProvider):
    """The driver for OpenStack, in a process that ends where it asks for instances."""

    def request_server(self, project_id: str, request: ServerRequest) -> str:
        if KILLED == "after":
            super().request_server(project_id, request)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("the process should have ended")


def main() -> None:
    """Ask for the instances."""
    application = Application(load_settings([Path(CONFIG_FILE)]))
    location = application.settings.location(None)
    site = Site(
        location=location,
        provider=MortalProvider(location),
        database=application.database,
        clock=application.clock,
        default_max_images=10,
    )
    order = Order(name="mortal", flavor="m1.tiny", networks=("none",), count=2)
    deploy(site, site.account(ACCOUNT), "golden", order)


if __name__ == "__main__":
    main()
