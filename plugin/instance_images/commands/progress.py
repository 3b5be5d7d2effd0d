"""Shows the progress of tasks on stderr: live on a terminal, a line for every stage elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from instance_images.commands.hints import hint_for_failed
from instance_images.commands.output import tell_error
from instance_images.names import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from instance_images.commands.main import Invocation
    from instance_images.locations.site import Site
    from instance_images.model.records import Account, Task, TaskReport

_BAR_WIDTH = 20


class Progress:
    """A context in which reports of one task are shown, as one line that changes."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._shown = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_terminal and self._shown:
            click.echo(err=True)

    def report(self, task: Task) -> None:
        """Show the task's stage if it has changed."""
        line = _line(task)
        if line == self._shown:
            return
        self._shown = line
        if self._is_terminal:
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)
        else:
            click.echo(line, err=True)


class Board:
    """A context in which reports of several tasks are shown, as a table that changes."""

    def __init__(self) -> None:
        self._live: Any = None
        self._shown: dict[str, str] = {}

    def __enter__(self) -> Board:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True, highlight=False), auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, reports: Sequence[TaskReport]) -> None:
        """Show the tasks as they are now."""
        if self._live is not None:
            self._live.update(_table(reports), refresh=True)
            return
        for report in reports:
            line = f"{report.task.id} {_line(report.task)}"
            if self._shown.get(report.task.id) != line:
                self._shown[report.task.id] = line
                click.echo(line, err=True)


def follow(invocation: Invocation, site: Site, account: Account, task_id: str) -> Task:
    """Wait for the task and show its stages; report a failure, and set the exit code."""
    from instance_images.model.records import TaskState
    from instance_images.tasks.waiting import wait_for_task

    with Progress() as progress:
        ended = wait_for_task(site, account, task_id, progress.report)
    if ended.state is TaskState.FAILED:
        invocation.exit_code = 1
        tell_error(f"The {ended.kind} task failed: {ended.error}{hint_for_failed(ended)}")
    return ended


def _line(task: Task) -> str:
    return f"{task.kind} {_bar(task)} {task.progress:3d} % {task.state}: {printable(task.stage)}"


def _bar(task: Task) -> str:
    return f"[{'#' * (task.progress * _BAR_WIDTH // 100):<{_BAR_WIDTH}}]"


def _table(reports: Sequence[TaskReport]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from instance_images.views.fields import duration_text
    from instance_images.views.records import left_text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title in ("Task", "Image", "Progress", "Stage", "Elapsed", "Left"):
        table.add_column(title, no_wrap=title == "Progress")
    for report in reports:
        task = report.task
        cells = (
            str(task.kind).capitalize(),
            report.image_name,
            f"{_bar(task)} {task.progress:3d} %",
            f"{task.state}: {task.stage}",
            duration_text(report.elapsed_seconds),
            left_text(report),
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table
