"""The contract of ``provider.Provider`` as tests that the author of a driver runs on his own.

It is made of pytest's tests and nothing else of the product imports it. A driver's author writes a
``CloudBench`` and a subclass of ``ProviderContract``; ``docs/drivers.md`` shows how.
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

from instance_images.testing.cloud_bench import Capability, CloudBench  # noqa: E402
from instance_images.testing.deploy_contract import DeployContract  # noqa: E402
from instance_images.testing.identity_contract import IdentityContract  # noqa: E402
from instance_images.testing.image_contract import ImageContract  # noqa: E402
from instance_images.testing.offer_contract import OfferContract  # noqa: E402
from instance_images.testing.outage_contract import OutageContract  # noqa: E402
from instance_images.testing.provider_contract import ProviderContract  # noqa: E402
from instance_images.testing.scaling_contract import ScalingContract  # noqa: E402
from instance_images.testing.server_contract import ServerContract  # noqa: E402
from instance_images.testing.volume_contract import VolumeContract  # noqa: E402

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
