"""Arguments that several commands have, and what they name."""

import argparse
from typing import Any

from openstack import exceptions as sdk
from osc_lib import exceptions as osc


def add_location(parser: argparse.ArgumentParser) -> None:
    """Add ``--location``."""
    parser.add_argument(
        "--location",
        metavar="<location>",
        help="Name of the location; required if the service offers several",
    )


def add_location_filter(parser: argparse.ArgumentParser) -> None:
    """Add ``--location`` to a list."""
    parser.add_argument(
        "--location", metavar="<location>", help="List only what is in this location"
    )


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Add ``--wait``."""
    parser.add_argument(
        "--wait",
        action="store_true",
        help="Wait until the task has finished, and show its progress; exit code 1 if it fails",
    )


def add_accounts(parser: argparse.ArgumentParser) -> None:
    """Add ``--project`` and ``--all-projects``."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--project",
        metavar="<project>",
        help="List what belongs to this project, or domain where accounts are domains"
        " (name or ID; operators only)",
    )
    group.add_argument(
        "--all-projects",
        action="store_true",
        help="List what belongs to any project (operators only)",
    )


def account_query(connection: Any, parsed_args: argparse.Namespace) -> dict[str, Any]:
    """Return whose records are listed."""
    if parsed_args.all_projects:
        return {"all_accounts": True}
    if parsed_args.project:
        return {"account_id": account_id_of(connection, parsed_args.project)}
    return {}


def account_id_of(connection: Any, reference: str) -> str:
    """Return the id of the project or else the domain with that name or id."""
    for find in (connection.identity.find_project, connection.identity.find_domain):
        try:
            found = find(reference, ignore_missing=True)
        except sdk.ForbiddenException:
            return reference  # whoever may not read projects can only name an id
        if found is not None:
            return str(found.id)
    raise osc.CommandError(f"No project or domain found for {reference!r}.")


def server_id_of(connection: Any, reference: str) -> str:
    """Return the id of the caller's instance with that name or id."""
    try:
        found = connection.compute.find_server(reference, ignore_missing=False)
    except sdk.NotFoundException as error:
        raise osc.CommandError(
            f"No instance found for {reference!r}: see 'openstack server list'."
        ) from error
    return str(found.id)
