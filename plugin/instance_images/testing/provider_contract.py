"""The whole contract of a driver: the class that a driver's tests derive from."""

from instance_images.drivers.provider import Provider
from instance_images.testing.cloud_bench import CloudBench
from instance_images.testing.deploy_contract import DeployContract
from instance_images.testing.identity_contract import IdentityContract
from instance_images.testing.image_contract import ImageContract
from instance_images.testing.offer_contract import OfferContract
from instance_images.testing.outage_contract import OutageContract
from instance_images.testing.scaling_contract import ScalingContract
from instance_images.testing.server_contract import ServerContract
from instance_images.testing.volume_contract import VolumeContract


class ProviderContract(
    IdentityContract,
    ServerContract,
    ImageContract,
    OfferContract,
    DeployContract,
    VolumeContract,
    ScalingContract,
    OutageContract,
):
    """All that ``provider.Provider`` promises, as tests of the driver of the fixture ``bench``."""

    def test_driver_is_a_provider(self, bench: CloudBench) -> None:
        assert isinstance(bench.new_provider(), Provider)
