"""Tokens whose payload is right, and whose date or Keystone is not."""

import time
from pathlib import Path

import msgpack
import pytest
from cryptography.fernet import Fernet, InvalidToken

from support.worlds.api_world import Office

pytestmark = pytest.mark.cloud

_EXPIRES_AT = 4  # of the payload of a token for a project


def minted(office: Office, *, seconds_left: float, key: bytes | None = None) -> str:
    """Return a token of the customer as his Keystone makes it, or one that has the key."""
    token = office.token(office.customers.member.cloud)
    repository = office.cloud.state_dir / "data" / "keystone" / "fernet"
    for path in sorted(Path(repository).iterdir()):
        own = path.read_bytes()
        try:
            payload = msgpack.unpackb(Fernet(own).decrypt(token + "=" * (-len(token) % 4)))
        except InvalidToken:
            continue
        payload[_EXPIRES_AT] = time.time() + seconds_left
        return Fernet(key or own).encrypt(msgpack.packb(payload)).decode().rstrip("=")
    raise AssertionError("no key of Keystone's made the token")


def test_token_that_has_expired_or_is_of_another_keystone_is_no_token(office: Office) -> None:
    tokens = {
        "good": minted(office, seconds_left=600),
        "expired": minted(office, seconds_left=-1),
        "of another": minted(office, seconds_left=600, key=Fernet.generate_key()),
    }

    told = {name: office.api("GET", "/v1/images", one) for name, one in tokens.items()}

    statuses = {name: answer.status_code for name, answer in told.items()}
    assert statuses == {"good": 200, "expired": 401, "of another": 401}


def test_token_that_expires_between_two_requests_is_no_token_any_more(office: Office) -> None:
    """auth_token keeps what Keystone said of it, and the date is part of that."""
    token = minted(office, seconds_left=3)

    assert office.api("GET", "/v1/images", token).status_code == 200
    time.sleep(3.1)
    assert office.api("GET", "/v1/images", token).status_code == 401
