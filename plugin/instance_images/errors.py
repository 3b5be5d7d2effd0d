"""What can go wrong, as the person who must act on it reads it.

Every error has a stable ``code`` for programs, an ``exit_code`` for shells, and one sentence that
says what happened, to which thing, and what to do. A new class exists only where a caller acts
differently on it. No message names a command, an option or ``clouds.yaml`` to a customer: the
command line adds that (``commands/hints``).
"""

import re
from collections.abc import Mapping

# What stands in quotes in a message: an id, a command of ours, or a name.
_QUOTED = re.compile(r"(?<![\w])(['\"])((?:\\.|(?!\1).)+)\1(?!\w)")
_NO_NAME = re.compile(
    r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|req-[0-9a-f-]+|instance-images .*"
)
_NAMED_BY = ("account", "reference")  # attributes of errors with a name from a user


class InstanceImagesError(Exception):
    """Base of every error that is told to the user in one line.

    What the message says is valid for any customer, whichever way he asks. ``case`` tells apart
    what one code stands for, so that a front end can add what helps; ``facts`` are its values.
    """

    code = "error"
    exit_code = 1

    def __init__(self, message: str = "", *, case: str = "", **facts: object) -> None:
        super().__init__(message)
        self.case = case
        self.facts: Mapping[str, object] = facts


def log_text(error: InstanceImagesError) -> str:
    """Return the error's message for the log: names from users are ``***``, ids stay.

    In our messages and in those of OpenStack's services, a name stands in quotes. Errors of the
    configuration are about names that the operator wrote, and stay as they are.
    """
    text = str(error)
    if isinstance(error, (UsageError, ConfigurationError)):
        return text
    for attribute in _NAMED_BY:
        name = getattr(error, attribute, None)
        if isinstance(name, str) and len(name) > 1:
            text = text.replace(name, "***")
    return _QUOTED.sub(lambda m: m[0] if _NO_NAME.fullmatch(m[2]) else f"{m[1]}***{m[1]}", text)


class UsageError(InstanceImagesError):
    """A value that the user gave cannot be used."""

    code = "usage"
    exit_code = 2


class ConfigurationError(InstanceImagesError):
    """The configuration, the credentials in it, or the database's schema is not usable as it is."""

    code = "configuration"
    exit_code = 2


class SchemaOutOfDate(ConfigurationError):
    """The database's schema is not the one of this version: one of the two is to be upgraded."""


class BrokenExtension(ConfigurationError):
    """Something that another distribution adds cannot be loaded; without it all else works."""

    code = "broken_extension"

    def __init__(self, group: str, name: str, value: str, distribution: str, fault: str) -> None:
        super().__init__(
            f"{name} ({value}) of {distribution}, an entry point of {group}, cannot be loaded:"
            f" {' '.join(fault.split()).removesuffix('.')}. Update or uninstall {distribution}."
        )
        self.group, self.name, self.distribution = group, name, distribution


class Refused(InstanceImagesError):
    """The request is understood and not granted; nothing was changed."""

    code = "refused"
    exit_code = 3


class FeatureNotEnabled(Refused):
    """The location does not offer images."""

    code = "feature_not_enabled"

    def __init__(self, location: str) -> None:
        super().__init__(
            f"Image feature is not enabled for location {location}. Contact your provider."
        )
        self.location = location


class LimitReached(Refused):
    """The account already holds as many images as it may; ``account`` is its printable name."""

    code = "limit_reached"

    def __init__(self, account: str, location: str, held: int, max_images: int) -> None:
        super().__init__(
            f"Maximum image limit reached: account {account} holds {held} of"
            f" {max_images} images in {location}. Delete unused images to free up a slot, or"
            " contact your provider to increase your limit."
        )
        self.account, self.location = account, location
        self.held, self.max_images = held, max_images


class TooManyRequests(Refused):
    """The account has begun as many captures in the last minute as it may."""

    code = "too_many_requests"

    def __init__(self, most: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"Too many captures: an account may begin {most} in a minute at a location. Try again"
            f" in {retry_after_seconds} s."
        )
        self.most, self.retry_after_seconds = most, retry_after_seconds


class NotFound(Refused):
    """Nothing of that name or id is the account's own; whether others have it is not told."""

    code = "not_found"

    def __init__(
        self, kind: str, reference: str, hint: str, *, case: str = "", **facts: object
    ) -> None:
        super().__init__(f"{kind} {reference!r} was not found. {hint}", case=case, **facts)
        self.kind, self.reference = kind, reference


class TooManyRights(Refused):
    """The caller has more rights than the request may be carried out with."""

    code = "forbidden"


class WrongState(Refused):
    """The thing exists, and what was asked for is not possible in its present state."""

    code = "wrong_state"


class IdempotencyKeyReused(Refused):
    """The key of the request names another request of the account already."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "The idempotency key was already used for another request: repeat that request"
            " unchanged, or send this one with a new key."
        )


class TokenRejected(Refused):
    """The token of the caller is not valid, or not any more."""

    code = "token_rejected"


class ProjectUnavailable(Refused):
    """Nobody can work in one project: it is disabled or gone, or the credentials lack a role.

    The trouble is that project's alone; other projects' work goes on.
    """

    code = "project_unavailable"

    def __init__(self, project_id: str, fault: str) -> None:
        super().__init__(f"Project {project_id} cannot be used: {fault}")
        self.project_id, self.fault = project_id, fault


class ImagesMissing(InstanceImagesError):
    """Most images of a location are missing from a reading: somebody has to say that it is so."""

    code = "images_missing"
    exit_code = 3

    def __init__(self, location: str, missing: int, on_record: int) -> None:
        super().__init__(
            f"{missing} of the {on_record} available images of location {location} are missing"
            " from the image service. Nothing was changed, and no hour was closed. Check that"
            " the right image service was read and that its database is complete. If the images"
            " were deleted, confirm it.",
            case="images missing",
        )
        self.location, self.missing, self.on_record = location, missing, on_record


class TooDeep(Refused):
    """A document of a customer's is nested so deeply that it is not read."""

    code = "too_deep"


class CloudUnavailable(InstanceImagesError):
    """A service of the cloud could not be reached, or failed; ``status`` is its HTTP status.

    ``retry_after_seconds``: how long it asked to be left alone, None where it did not say.
    ``task_id``: the task that the request is recorded as, None where nothing was begun.
    """

    code = "cloud_unavailable"
    exit_code = 4

    def __init__(
        self,
        message: str,
        status: int | None = None,
        retry_after_seconds: int | None = None,
        *,
        task_id: str | None = None,
        case: str = "",
        **facts: object,
    ) -> None:
        super().__init__(message, case=case, task_id=task_id, **facts)
        self.status, self.retry_after_seconds = status, retry_after_seconds
        self.task_id = task_id


class DatabaseUnavailable(InstanceImagesError):
    """The database cannot be reached or written.

    ``task_id``: the task that the request is recorded as, None where nothing was begun.
    """

    code = "database_unavailable"
    exit_code = 4

    def __init__(self, message: str = "", *, task_id: str | None = None) -> None:
        super().__init__(message, case="recorded" if task_id else "", task_id=task_id)
        self.task_id = task_id


class MailUnavailable(InstanceImagesError):
    """The mail server cannot be reached, or does not take the mail for now."""

    code = "mail_unavailable"
    exit_code = 4


class TransactionConflict(DatabaseUnavailable):
    """The database ended the transaction in favour of another one: it can be tried again."""

    code = "transaction_conflict"
