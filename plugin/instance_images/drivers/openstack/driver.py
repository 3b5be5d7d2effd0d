"""The driver for OpenStack: its services in our types and units, a part for each of them.

Requests for a project are made with a token of that project, so that what they make belongs to it.
"""

from instance_images.drivers.openstack.cinder import OpenStackVolumes
from instance_images.drivers.openstack.doctor import OpenStackDoctor
from instance_images.drivers.openstack.glance import OpenStackImages
from instance_images.drivers.openstack.glance_notices import OpenStackNotices
from instance_images.drivers.openstack.glance_offers import OpenStackChoices
from instance_images.drivers.openstack.heat import OpenStackStacks
from instance_images.drivers.openstack.keystone import OpenStackIdentity
from instance_images.drivers.openstack.keystone_limits import OpenStackLimits
from instance_images.drivers.openstack.nova import OpenStackServers
from instance_images.drivers.openstack.nova_deploy import OpenStackDeployments
from instance_images.drivers.openstack.nova_shelved import OpenStackShelves
from instance_images.drivers.provider import Provider
from instance_images.model.caller import Caller


class OpenStackProvider(
    OpenStackIdentity,
    OpenStackLimits,
    OpenStackServers,
    OpenStackDeployments,
    OpenStackImages,
    OpenStackNotices,
    OpenStackChoices,
    OpenStackStacks,
    OpenStackShelves,
    OpenStackDoctor,
    OpenStackVolumes,
    Provider,
):
    """Drives one region of an OpenStack cloud with one entry of clouds.yaml."""

    def for_caller(self, caller: Caller) -> Provider:
        """Return the driver that does with the caller's token what is for the caller to do."""
        from instance_images.drivers.openstack.access.for_caller import OpenStackForCaller

        return OpenStackForCaller(self._location, self._api, caller)
