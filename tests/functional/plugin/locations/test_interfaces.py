"""Which services a region has is asked as requests are sent: by interface, and by override."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from instance_images.drivers.openstack.driver import OpenStackProvider
from instance_images.errors import ConfigurationError

from conftest import ConfiguredCommandLine
from support.clouds.embedded_cloud import EmbeddedCloud

pytestmark = pytest.mark.cloud

MakeProvider = Callable[..., OpenStackProvider]


@pytest.fixture
def provider(
    cloud: EmbeddedCloud,
    configured: ConfiguredCommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> MakeProvider:
    def make(**more: str) -> OpenStackProvider:
        document = yaml.safe_load(cloud.clouds_yaml.read_text())
        document["clouds"]["admin"] |= more
        (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(document))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
        made = configured().site().provider
        assert isinstance(made, OpenStackProvider)
        return made

    return make


def test_a_service_with_an_internal_endpoint_alone_is_found_by_that_interface(
    cloud: EmbeddedCloud, provider: MakeProvider
) -> None:
    with cloud.connection() as operator:
        identity: Any = operator.identity
        heat = identity.find_service("heat") or next(identity.services(type="orchestration"))
        others = [e for e in identity.endpoints(service_id=heat.id) if e.interface != "internal"]
        for endpoint in others:
            identity.update_endpoint(endpoint, is_enabled=False)
        try:
            assert provider(interface="internal").offers_scaling_groups()
            with pytest.raises(ConfigurationError, match="none of interface 'public'"):
                provider(interface="public").offers_scaling_groups()
            with pytest.raises(ConfigurationError, match="none of interface 'public'"):
                provider(interface="public").stacks_using_image("p", "an image that may be in use")
        finally:
            for endpoint in others:
                identity.update_endpoint(endpoint, is_enabled=True)


def test_an_endpoint_of_clouds_yaml_counts_where_the_catalog_has_none(
    provider: MakeProvider,
) -> None:
    elsewhere = {"orchestration_region_name": "Elsewhere", "block_storage_region_name": "Elsewhere"}
    override = {"orchestration_endpoint_override": "http://127.0.0.1:1/v1"}

    assert not provider(**elsewhere).offers_scaling_groups()
    assert list(provider(**elsewhere).list_parts()) == []
    assert provider(**elsewhere, **override).offers_scaling_groups()
