"""Which limit applies to an account, and whether one more image fits into it. Pure."""

from instance_images.errors import LimitReached


def applicable_limit(
    account_override: int | None, location_maximum: int | None, default_maximum: int
) -> tuple[int, str]:
    """Return the maximum and the name of its source; the most specific one on record wins."""
    if account_override is not None:
        return account_override, "account"
    if location_maximum is not None:
        return location_maximum, "location"
    return default_maximum, "default"


def require_slot(account: str, location: str, held: int, max_images: int) -> None:
    """Raise LimitReached unless an account that holds ``held`` images may hold one more."""
    if held >= max_images:
        raise LimitReached(account, location, held, max_images)
