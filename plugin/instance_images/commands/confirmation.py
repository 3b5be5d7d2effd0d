"""Asks for confirmation before a command does what cannot be undone."""

import sys

import click

from instance_images.errors import UsageError


def confirmed(question: str, *, yes: bool, otherwise: str) -> bool:
    """Return whether the user confirmed: with ``--yes``, or at the prompt.

    Raises UsageError with ``otherwise``, the reason for the confirmation, if there is no terminal.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{otherwise}: add --yes to skip the prompt.")
    return click.confirm(question, err=True)
