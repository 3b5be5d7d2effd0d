"""The contract of ``provider.Provider`` as tests that the author of a driver runs on his own.

It is made of pytest's tests and nothing else of the product imports it. A driver's author writes a
``CloudBench`` and a subclass of ``ProviderContract``; the page on drivers shows how.
"""

try:
    import pytest
except ImportError as error:
    raise ImportError(
        "instance_images.testing is made of tests for pytest, which is not installed: pip install"
        " 'instance-images[testing]'."
    ) from error

# A failed assertion of the suite is to tell the values that it compared.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in (
            "checks",
            "deploy_contract",
            "identity_contract",
            "image_contract",
            "offer_contract",
            "outage_contract",
            "scaling_contract",
            "scene",
            "server_contract",
            "volume_contract",
        )
    )
)

from instance_images.testing.cloud_bench import Capability, CloudBench
from instance_images.testing.deploy_contract import DeployContract
from instance_images.testing.identity_contract import IdentityContract
from instance_images.testing.image_contract import ImageContract
from instance_images.testing.offer_contract import OfferContract
from instance_images.testing.outage_contract import OutageContract
from instance_images.testing.provider_contract import ProviderContract
from instance_images.testing.scaling_contract import ScalingContract
from instance_images.testing.server_contract import ServerContract
from instance_images.testing.volume_contract import VolumeContract

__all__ = [
    "Capability",
    "CloudBench",
    "DeployContract",
    "IdentityContract",
    "ImageContract",
    "OfferContract",
    "OutageContract",
    "ProviderContract",
    "ScalingContract",
    "ServerContract",
    "VolumeContract",
]
