"""``openstack custom image usage list|show|save``: the Cloud Usage report."""

import argparse
import re
from pathlib import Path
from typing import Any

from openstack import exceptions as sdk
from osc_lib import exceptions as osc

from instance_images_client.commands import text
from instance_images_client.commands.arguments import account_id_of
from instance_images_client.commands.base import Column, Command, Lister

_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
FORMATS = ("pdf", "xlsx", "csv", "html", "json")


class ListUsage(Lister):
    """List the months in which images were charged."""

    example = "openstack custom image usage list"
    columns = (
        Column("Period", "period"),
        Column("Total", "total"),
        Column("Currency", "currency"),
        Column("State", "state", text.capitalized),
        Column("Metered Until", "metered_until"),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        _add_project(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Return the months."""
        account = _account(self.connection, parsed_args)
        return self.listed(self.images.months(account.get("account_id")), parsed_args)


class ShowUsage(Command):
    """Print the Cloud Usage report of a month."""

    example = "openstack custom image usage show 2026-11"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("period", metavar="<period>", help="Month, such as 2026-11")
        parser.add_argument(
            "-f",
            "--format",
            choices=("text", "json", "csv"),
            default="text",
            help="Format, by default text",
        )
        _add_report_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Print the report."""
        content = self.images.get_report(
            parsed_args.period, parsed_args.format, **_query(self.connection, parsed_args)
        )
        self.app.stdout.write(content.decode())
        if not content.endswith(b"\n"):
            self.app.stdout.write("\n")


class SaveUsage(Command):
    """Save the Cloud Usage report of a month as a file.

    The file is replaced if it exists. It is never left half written.
    """

    example = "openstack custom image usage save 2026-11 -f pdf -o november.pdf"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument("period", metavar="<period>", help="Month, such as 2026-11")
        parser.add_argument(
            "-f", "--format", choices=FORMATS, default="pdf", help="Format, by default pdf"
        )
        parser.add_argument(
            "-o",
            "--output",
            metavar="<file>",
            help="File to write; default: cloud-usage-<period>.<format> in this folder",
        )
        _add_report_options(parser)
        parser.add_argument("--paper", choices=("a4", "letter"), help="Paper size of pdf and xlsx")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Write the file."""
        query = _query(self.connection, parsed_args)
        if parsed_args.paper:
            query["paper"] = parsed_args.paper
        name = f"cloud-usage-{parsed_args.period}.{parsed_args.format}"
        path = Path(parsed_args.output or name)
        try:
            size_bytes = self.images.save_report(
                parsed_args.period, path, parsed_args.format, **query
            )
        except sdk.SDKException:  # some are OSErrors, too
            raise
        except OSError as error:
            raise osc.CommandError(f"Cannot write {path}: {error.strerror}.") from error
        self.app.stdout.write(f"{path}: {text.size(size_bytes)}\n")


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--project",
        metavar="<project>",
        help="Project, or domain where accounts are domains (name or ID; operators only)",
    )


def _add_report_options(parser: argparse.ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument(
        "--currency", metavar="<currency>", help="Currency, if the account is charged in several"
    )
    parser.add_argument(
        "--locale", metavar="<locale>", help="Locale of texts, dates and numbers, such as de_DE"
    )


def _account(connection: Any, parsed_args: argparse.Namespace) -> dict[str, str]:
    if not parsed_args.project:
        return {}
    return {"account_id": account_id_of(connection, parsed_args.project)}


def _query(connection: Any, parsed_args: argparse.Namespace) -> dict[str, str]:
    if not _PERIOD.fullmatch(parsed_args.period):
        raise osc.CommandError(
            f"{text.printable(parsed_args.period)!r} is no month: name one such as 2026-11."
        )
    found = _account(connection, parsed_args)
    for name in ("currency", "locale"):
        if getattr(parsed_args, name):
            found[name] = getattr(parsed_args, name)
    return found
