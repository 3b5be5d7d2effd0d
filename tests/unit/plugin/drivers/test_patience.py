"""Who waits for a few seconds is not kept waiting by a service that does not answer."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from instance_images.config.settings import Location
from instance_images.drivers import patience
from instance_images.drivers.openstack.api.operator import OpenStackApi
from instance_images.errors import CloudUnavailable
from instance_images.parallel import in_parallel

LOCATION = Location(
    name="Silent", enabled=True, provider="openstack", cloud="silent", region_name="Silent",
    currency="EUR", max_images=None,
)  # fmt: skip


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenStackApi]:
    """A region whose services take connections and answer nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        (tmp_path / "clouds.yaml").write_text(
            f"clouds: {{silent: {{auth_type: none, auth: {{endpoint: '{url}'}}}}}}"
        )
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
        yield OpenStackApi(LOCATION)


def test_a_request_is_given_up_when_the_time_is_over(silent: OpenStackApi) -> None:
    began = time.monotonic()

    with patience.within(0.3), pytest.raises(CloudUnavailable):
        silent.ask(None, "image", "GET", "/images")

    assert 0.3 <= time.monotonic() - began < 30  # a request has 60 seconds otherwise


def test_no_request_begins_when_the_time_is_over(silent: OpenStackApi) -> None:
    with patience.within(0), pytest.raises(CloudUnavailable):
        silent.ask(None, "image", "GET", "/images")


def test_limits_inside_each_other_end_with_the_earliest() -> None:
    with patience.within(5), patience.within(100):
        inner = patience.seconds_left()
        others = in_parallel(lambda _: patience.seconds_left(), range(2))

    assert all(left is not None and 4 < left <= 5 for left in (inner, *others))
    assert patience.seconds_left() is None
