"""A clock that several processes read and one moves: the product's, in the demo.

gunicorn 'support.processes.moved_clock:api()'          the API by that clock
python -m support.processes.moved_clock work            a command by that clock
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from instance_images.instants import system_clock

from support.clouds.embedded_cloud import write_atomically

# Names the file with the seconds that the clock is ahead.
VARIABLE = "MOVED_CLOCK"


@dataclass(frozen=True, slots=True)
class MovedClock:
    """The system's clock, ahead by what the file says."""

    file: Path

    def __call__(self) -> datetime:
        """Return the moved instant."""
        return system_clock() + self.ahead

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead."""
        return timedelta(seconds=float(self.file.read_text()))

    def set_ahead(self, ahead: timedelta) -> None:
        """Have every process see the clock ahead by so much."""
        write_atomically(self.file, str(ahead.total_seconds()))


def clock() -> MovedClock:
    """Return the clock of this process."""
    return MovedClock(Path(os.environ[VARIABLE]))


def api() -> Callable[..., Any]:
    """Return the WSGI application, as the product's own module makes it, by the moved clock."""
    from instance_images_api import wsgi
    from instance_images_api.application import create_application

    return create_application(wsgi._settings, clock())


if __name__ == "__main__":
    from instance_images.commands.main import run

    sys.exit(run(sys.argv[1:], clock()))
