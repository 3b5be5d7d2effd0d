"""The driver for OpenStack: its services in our types and units, a part for each of them.

Requests for a project are made with a token of that project, so that what they make belongs to it.
"""

from instance_images.openstack_choices import OpenStackChoices
from instance_images.openstack_deployments import OpenStackDeployments
from instance_images.openstack_doctor import OpenStackDoctor
from instance_images.openstack_identity import OpenStackIdentity
from instance_images.openstack_images import OpenStackImages
from instance_images.openstack_limits import OpenStackLimits
from instance_images.openstack_notices import OpenStackNotices
from instance_images.openstack_servers import OpenStackServers
from instance_images.openstack_shelves import OpenStackShelves
from instance_images.openstack_stacks import OpenStackStacks
from instance_images.openstack_volumes import OpenStackVolumes
from instance_images.provider import Provider


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
