"""Shows a task's progress on stderr: one line that changes on a terminal, a line a stage else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

import click

from instance_images.names import printable

if TYPE_CHECKING:
    from instance_images.domain import Task


class Progress:
    """A context in which reports of one task are shown."""

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
        bar = "#" * (task.progress // 5)
        line = f"{task.kind} [{bar:<20}] {task.progress:3d} % {task.state}: {printable(task.stage)}"
        if line == self._shown:
            return
        self._shown = line
        if self._is_terminal:
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)
        else:
            click.echo(line, err=True)
