"""Runs work in several processes that begin at the same instant."""

import os
import traceback
from collections.abc import Callable, Sequence

from instance_images.errors import InstanceImagesError

CRASHED = 99


def together(works: Sequence[Callable[[], None]]) -> list[int]:
    """Do each work in a process of its own, all at once; return their exit codes.

    The code is 0, that of the error of ours that ended the work, or ``CRASHED``.
    """
    waiting, starting = os.pipe()
    process_ids = [_fork(work, waiting, starting) for work in works]
    os.close(waiting)
    os.close(starting)  # what all of them wait for
    return [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in process_ids]


def _fork(work: Callable[[], None], waiting: int, starting: int) -> int:
    process_id = os.fork()
    if process_id:
        return process_id
    code = CRASHED
    try:
        os.close(starting)
        os.read(waiting, 1)
        work()
        code = 0
    except InstanceImagesError as error:
        code = error.exit_code
    except BaseException:
        traceback.print_exc()
    os._exit(code)
