"""Which limit applies to an account, and whether one more image fits into it. Pure."""

from instance_images.errors import LimitReached
from instance_images.names import printable

UNLIMITED = -1


def applicable_limit(
    account_override: int | None,
    keystone_limit: int | None,
    location_maximum: int | None,
    default_maximum: int,
) -> tuple[int, str]:
    """Return the maximum and the name of its source; the first one on record wins.

    The provider's own word for an account comes before what the cloud's operator registered in
    Keystone, and that before the configuration. UNLIMITED for any number.
    """
    sources = (
        (account_override, "account"),
        (keystone_limit, "keystone"),
        (location_maximum, "location"),
    )
    for maximum, source in sources:
        if maximum is not None:
            return max(maximum, UNLIMITED), source
    return default_maximum, "default"


def require_slot(account: str, location: str, held: int, max_images: int) -> None:
    """Raise LimitReached unless an account that holds ``held`` images may hold one more."""
    if max_images != UNLIMITED and held >= max_images:
        raise LimitReached(printable(account), location, held, max_images)
