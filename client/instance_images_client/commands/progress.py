"""Progress of a task on stderr: live on a terminal, one line per stage elsewhere."""

import shutil
import sys
from typing import Any

from openstack import exceptions as sdk
from osc_lib import exceptions as osc

from instance_images_client.commands.text import printable

_BAR_CHARACTERS = 20
_LINE_CHARACTERS = 79


class Progress:
    """Shows tasks as they are looked at."""

    def __init__(self) -> None:
        self._is_live = sys.stderr.isatty()
        self._shown = ""

    def __call__(self, task: Any) -> None:
        """Show where the task is."""
        stage = f"{task.state}: {printable(task.stage or '')}"
        if not self._is_live:
            if stage != self._shown:
                _write(f"{task.kind} {stage}\n")
            self._shown = stage
            return
        filled = "#" * (task.progress * _BAR_CHARACTERS // 100)
        line = f"{task.kind} [{filled:<{_BAR_CHARACTERS}}] {task.progress:3d} % {stage}"
        self._shown = line  # first: Ctrl-C may end the writing
        _write(f"\r\x1b[K{line[: _width() - 1]}")

    def end(self) -> None:
        """End the line of a terminal."""
        if self._is_live and self._shown:
            _write("\n")


def wait_for(images: Any, task_id: str) -> Any:
    """Wait until the task has succeeded, and return it.

    Raises CommandError if it fails. Ctrl-C ends the waiting alone.
    """
    progress = Progress()
    try:
        return images.wait_for_task(task_id, callback=progress)
    except KeyboardInterrupt:
        progress.end()
        progress = Progress()
        _write(
            "Stopped waiting. The task continues: see"
            f" 'openstack custom image task show {task_id}'.\n"
        )
        raise
    except sdk.ResourceFailure as error:
        raise osc.CommandError(f"{error} See 'openstack custom image task show {task_id}'.") from (
            error
        )
    finally:
        progress.end()


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _LINE_CHARACTERS + 1)
