"""Whose error it is that a check ends with: the service's, or that of one task."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from instance_images.db.checks import DueCheck
from instance_images.errors import CloudUnavailable, ConfigurationError, InstanceImagesError
from instance_images.worker import checking
from instance_images.worker.back_off import BackOff
from instance_images.worker.checking import Checking

DUE = DueCheck(
    task_id="t",
    image_id="i",
    source_instance_id="s",
    account_id="a",
    location="RegionOne",
    look_at=datetime(2026, 11, 1, tzinfo=UTC),
    claimed_until=None,
)


@pytest.mark.parametrize(
    ("error", "all_wait"),
    [
        (CloudUnavailable("Glance failed at this image.", 500), False),
        (CloudUnavailable("No answer."), True),
        (CloudUnavailable("The proxy has no server.", 503), True),
        (CloudUnavailable("Too many requests.", 429), True),
        (CloudUnavailable("Ask later.", 500, 30), True),
        (ConfigurationError("The password is wrong."), True),
    ],
)
def test_error_at_one_image_lets_no_other_task_wait(
    error: InstanceImagesError, all_wait: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise error

    monkeypatch.setattr(checking, "check", fail)
    application: Any = SimpleNamespace(site=lambda _name: None)
    back_off = BackOff()
    at_work = Checking(application, "worker", back_off, lambda: None)

    at_work._work(DUE)

    assert back_off.is_failing("RegionOne") is all_wait
