"""Who sends a request, as the front end has authenticated him. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The sender of a request: the account and project of his token, the user and the roles.

    ``auth`` is a plug-in of keystoneauth that sends the token, where the front end has one, such as
    ``keystone.token_auth`` of keystonemiddleware. Without it, the driver asks Keystone for what
    goes with the token. The names are those that came with the token: empty where nothing did.
    """

    account_id: str
    project_id: str
    user_id: str
    roles: Collection[str]
    token: str = field(repr=False)
    request_id: str = ""
    account_name: str = ""
    domain_name: str = ""
    auth: object | None = field(default=None, repr=False, compare=False)
