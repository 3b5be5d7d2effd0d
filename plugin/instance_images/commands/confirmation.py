"""Asks before a command does what cannot be undone."""

import sys

import click

from instance_images.errors import UsageError


def confirmed(question: str, *, yes: bool, otherwise: str) -> bool:
    """Return whether it may be done: after ``--yes``, or when the user on the terminal says so.

    Raises UsageError with ``otherwise``, why it must be confirmed, where nobody can be asked.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{otherwise}: add --yes where nobody can be asked.")
    return click.confirm(question, err=True)
