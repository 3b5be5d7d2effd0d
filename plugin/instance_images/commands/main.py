"""The ``instance-images`` command: global options, the commands of all parts, errors and exits."""

from __future__ import annotations

import errno
import gc
import logging
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache, cached_property
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

import click

from instance_images.commands.hints import with_hint
from instance_images.commands.output import tell_error, tell_warning
from instance_images.config import logs as logging_setup
from instance_images.config.redaction import forget, redact
from instance_images.errors import BrokenExtension, InstanceImagesError, Refused, UsageError
from instance_images.instants import Clock, system_clock
from instance_images.model.extensions import extensions, loaded
from instance_images.model.requests import request_ids
from instance_images.names import printable

if TYPE_CHECKING:
    from instance_images.locations.application import Application

LOG = logging.getLogger(__name__)

# What a group raises that is called without a command; older releases of click print the help.
_NoArguments = getattr(click.exceptions, "NoArgsIsHelpError", ())

EXIT_USAGE = 2
EXIT_BUG = 70  # EX_SOFTWARE of sysexits.h
EXIT_INTERRUPTED = 130  # 128 + SIGINT
# New objects between two garbage collections: the imports of a short command make fewer, nearly all
# of which stay. The default of 700 takes a tenth of its time.
_COLLECT_AFTER = 200_000
# No space, no quota, a device that fails.
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class Invocation:
    """One run of the command line: its global options, and the application, made on demand."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.config_files: Sequence[Path] = ()
        self.config_directories: Sequence[Path] = ()
        self.debug = False
        self.exit_code = 0
        self.command = ""

    @cached_property
    def application(self) -> Application:
        """The application, with the configuration read."""
        from instance_images.config.settings import load_settings
        from instance_images.locations.application import Application

        request_ids.begin()
        settings = load_settings(self.config_files, self.config_directories)
        problem = logging_setup.follow_options(settings.log_config_files, debug=self.debug)
        if problem:
            tell_warning(problem)
        return Application(settings, self.clock)

    def announced(self, command: str) -> AbstractContextManager[None]:
        """Record the run while it is active, so that 'db copy' is refused."""
        from instance_images.db.runs import announced

        return announced(self.application.database, command, self.clock)


@cache
def _commands() -> dict[str, EntryPoint]:
    """Return the commands of all installed parts by name. Slow: it reads the entry points."""
    return {found.name: found for found in extensions("instance_images.commands")}


def _loaded(name: str) -> click.Command:
    command = loaded(_commands()[name])
    if isinstance(command, click.Command):
        return command
    found = _commands()[name]
    owner = str(found.dist.name) if found.dist else "an unknown distribution"
    raise BrokenExtension(found.group, name, found.value, owner, "It is not a click command")


class PartsGroup(click.Group):
    """A group whose commands are entry points, so that each part brings its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all installed commands."""
        return sorted(_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command of that name; warn of one that cannot be loaded, and skip it."""
        if cmd_name not in _commands():
            return None
        try:
            return _loaded(cmd_name)
        except BrokenExtension as error:
            click.echo(f"Warning: Skipped: {printable(str(error))}", err=True)
            return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Load the command; if there is none of that name, suggest the nearest one."""
        name = args[0]
        if name not in _commands() and not name.startswith("-"):
            from difflib import get_close_matches

            near = "".join(get_close_matches(name, _commands(), 1))
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {near!r}?" if near else ""))
        if name in _commands():
            _loaded(name)  # whoever wants it gets the error
        return super().resolve_command(ctx, args)


@click.group(
    cls=PartsGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config-file",
    "config_files",
    multiple=True,
    type=click.Path(path_type=Path),
    envvar="INSTANCE_IMAGES_CONFIG_FILE",
    metavar="FILE",
    help="Configuration file. Repeatable; the last value wins."
    " [default: /etc/instance-images/instance-images.conf]",
)
@click.option(
    "--config-dir",
    "config_directories",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Directory with .conf files, read after the configuration files.",
)
@click.option("--debug", is_flag=True, help="Log to stderr, and show tracebacks.")
@click.version_option(package_name="instance-images", prog_name="instance-images")
@click.pass_context
def cli(
    ctx: click.Context,
    config_files: tuple[Path, ...],
    config_directories: tuple[Path, ...],
    debug: bool,
) -> None:
    """Customer images of instances: capture, deploy, delete, limit, meter and report.

    \b
    Exit codes: 0 done; 1 done, but something was skipped or is wrong; 2 usage or
    configuration; 3 refused; 4 cloud or database unreachable, try again.
    """
    ctx.obj.command = ctx.invoked_subcommand or ""
    ctx.obj.config_files, ctx.obj.config_directories = config_files, config_directories
    if debug:
        ctx.obj.debug = True
        logging_setup.show_on_stderr()


def run(arguments: Sequence[str], clock: Clock = system_clock) -> int:
    """Run one command line and return its exit code; print errors as one line on stderr."""
    invocation = Invocation(clock)
    logging_setup.keep_quiet()
    forget()
    try:
        _require_utf8(arguments)
        cli.main(
            list(arguments), prog_name="instance-images", obj=invocation, standalone_mode=False
        )
        return invocation.exit_code
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(_what_goes_on(invocation), err=True)
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        if isinstance(error, _NoArguments):
            click.echo(error.format_message(), err=True)  # the help
        else:
            _tell(_usage_message(error))
        return EXIT_USAGE
    except InstanceImagesError as error:
        _tell(with_hint(error))
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has closed the pipe: no error
        return 0
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            return _tell_fault(error)
        # Python writes what is left when it ends, and would fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _tell(f"The output cannot be written: {error.strerror}.")
        return Refused.exit_code
    except Exception as error:
        return _tell_fault(error)


def _tell_fault(error: Exception) -> int:
    """Report an unexpected error, and return its exit code."""
    fault = redact(f"{type(error).__name__}: {error}")
    _tell(
        f"A fault in instance-images: {fault}. Run it again with --debug, and report what it shows."
    )
    return EXIT_BUG


# What an interrupted command may have done, if it starts no task.
_AFTERWARDS = {
    "meter": "Closed hours stay closed: 'instance-images meter status' shows them.",
    "period": "'instance-images period list' shows whether the month is closed.",
    "scaling-group": (
        "A change that Heat has accepted continues: 'instance-images scaling-group list' shows it."
    ),
    "report": "Finished files are kept.",
    "listen": "Unprocessed notifications stay in their queue.",
    "work": "What was not finished is on record.",
}


def _what_goes_on(invocation: Invocation) -> str:
    """Return what an interrupted command has started, and the command that shows it."""
    from instance_images.db.tasks import begun_here, has_begun

    afterwards = _AFTERWARDS.get(invocation.command, "")
    if not has_begun():
        return f"Stopped. No task was started. {afterwards}".rstrip()
    try:
        with invocation.application.database.reading() as connection:
            begun = begun_here(connection)
    except InstanceImagesError:
        return "Stopped. A task may still be running: 'instance-images task list' shows it."
    if not begun:
        return "Stopped. No task is unfinished; 'instance-images task list' shows earlier ones."
    listed = ", ".join(f"{one.kind} {one.id}" for one in begun)
    return (
        f"Stopped. These continue in the cloud: {listed}. 'instance-images task watch"
        f" {begun[-1].id}' shows it."
    )


def _require_utf8(arguments: Sequence[str]) -> None:
    """Refuse arguments that are not UTF-8: databases and services reject them."""
    for argument in arguments:
        if not argument.isascii() and any("\ud800" <= c <= "\udfff" for c in argument):
            raise UsageError(f"{printable(argument)!r} is not valid UTF-8: correct it.")


def _usage_message(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split())
    if not message.endswith((".", "?", "!")):
        message += "."
    context = getattr(error, "ctx", None)
    return f"{message} See '{context.command_path} --help'." if context else message


def _tell(message: str) -> None:
    """Print an error, after the traceback with --debug, and log both."""
    LOG.error(message, exc_info=True)
    tell_error(message)


def collect_seldom() -> None:
    """Have this process look for garbage as seldom as every command does."""
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])


def main() -> None:
    """Run the command line of this process."""
    collect_seldom()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # whoever started us has closed it
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    threading.excepthook = logging_setup.log_end_of_thread
    code = run(sys.argv[1:])
    if code == EXIT_INTERRUPTED:
        # Do not wait for threads: they may wait for a service that does not answer.
        sys.stdout.flush()
        os._exit(code)
    # Skip the garbage collection at exit: it takes a fifth of the time of a short command.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
