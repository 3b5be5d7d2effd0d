"""Sets up logging: none, to stderr with --debug, or as the options of oslo.log say.

Commands print their results on stdout and stderr; the log keeps them for later. Warnings of
libraries go to the log only, because the libraries also raise them. Unattended commands follow the
options of oslo.log in [DEFAULT]. Passwords and tokens are removed from all output (``redaction``).
oslo.log is imported only if one of its options is set, because the import takes longer than many
commands.
"""

import contextlib
import copy
import io
import logging
import os
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

from instance_images.config.files import explained
from instance_images.config.redaction import redact
from instance_images.errors import ConfigurationError, InstanceImagesError, log_text
from instance_images.model.requests import request_ids

_FORMAT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"

_handlers: list[logging.Handler] = []  # those that this module added to the root logger


class RedactingFormatter(logging.Formatter):
    """Wraps a formatter, and removes secrets and names of users from message and traceback."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self.inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text; the record itself is not changed, for other handlers."""
        safe = copy.copy(record)
        if isinstance(record.args, tuple):
            safe.args = tuple(map(_loggable, record.args))
        safe.msg, safe.args = redact(safe.getMessage()), ()
        text = self.inner.format(safe)
        return redact(_without_names(text, record.exc_info[1] if record.exc_info else None))

    def formatException(self, ei: Any) -> str:  # noqa: N802  # the name is logging's
        """Return the traceback's text: the journal's handler calls it directly."""
        return redact(_without_names(self.inner.formatException(ei), ei[1]))


def _loggable(value: object) -> object:
    return log_text(value) if isinstance(value, InstanceImagesError) else value


def _without_names(text: str, error: BaseException | None) -> str:
    """Return a text with a traceback, in which the messages of our errors have no names."""
    while error is not None:
        if isinstance(error, InstanceImagesError):
            text = text.replace(str(error), log_text(error))
        error = error.__cause__ or error.__context__
    return text


class _StderrHandler(logging.Handler):
    """Prints on the current ``sys.stderr``."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def keep_quiet() -> None:
    """Drop all records, and undo an earlier setup in this process."""
    while _handlers:
        handler = _handlers.pop()
        logging.getLogger().removeHandler(handler)
        handler.close()
    logging.getLogger().setLevel(logging.WARNING)
    _add(logging.NullHandler())  # without any, logging itself prints warnings on stderr
    # What libraries warn of is for whoever reads the log, where no secret is shown.
    logging.captureWarnings(True)


def show_on_stderr() -> None:
    """Print every record on stderr too."""
    handler = _StderrHandler()
    handler.addFilter(_add_request_id)
    handler.setFormatter(RedactingFormatter(logging.Formatter(_FORMAT)))
    _add(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    # These two print the bodies of requests and answers, headers and all.
    for name in ("keystoneauth", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = request_ids.current() or "-"
    return True


def _add_context(record: logging.LogRecord) -> bool:
    """Put the request id into the context that the formatters of oslo.log read."""
    from oslo_context.context import RequestContext

    record.context = RequestContext(request_id=request_ids.current() or "-", overwrite=False)
    return True


def _add(handler: logging.Handler) -> None:
    logging.getLogger().addHandler(handler)
    _handlers.append(handler)


def log_end_of_thread(fault: threading.ExceptHookArgs) -> None:
    """Log the error that ended a thread; Python would print it unredacted."""
    error = (fault.exc_type, fault.exc_value or fault.exc_type(), fault.exc_traceback)
    logging.getLogger(__name__).error("A thread ended with an error.", exc_info=error)


def option_names() -> set[str]:
    """Return the names of oslo.log's options, former ones too."""
    options = _log_options()
    former = {old.name for option in options for old in option.deprecated_opts}
    return {option.dest for option in options} | former


def _log_options() -> list[Any]:
    (found,) = entry_points(group="oslo.config.opts", name="oslo.log")
    return [option for _, options in found.load()() for option in options]


def follow_options(config_files: Sequence[Path], *, debug: bool) -> str | None:
    """Log as oslo.log's options in the files say; return a warning if the log cannot be written.

    A run continues without a log that cannot be written. With ``debug``, everything is on stderr as
    well. Raises ConfigurationError for a bad value.
    """
    if not config_files:
        return None
    from oslo_log import log

    root, excepthook = logging.getLogger(), sys.excepthook
    before = list(root.handlers)
    conf = _read_options(config_files)
    shows_all = debug or conf.debug
    conf.set_override("debug", shows_all)
    try:
        log.setup(conf, "instance-images", version("instance-images"))
    except (OSError, RuntimeError, log.LogConfigError) as error:
        root.handlers[:] = before
        return f"Could not write the log; the run continues without it: {_reason(error)}."
    except (TypeError, ValueError) as error:  # an unknown level or syslog facility
        root.handlers[:] = before
        raise ConfigurationError(
            f"Configuration: the options of the log: {redact(str(error))}."
        ) from None
    finally:
        sys.excepthook = excepthook  # the command line prints and logs the error
    _keep_off_stdout()
    _give_away_new_files(root)
    for handler in root.handlers:
        handler.addFilter(_add_context)
    _handlers[:] = root.handlers
    if debug or (shows_all and not _handlers):
        show_on_stderr()
    if not _handlers:
        keep_quiet()
    _redact_everywhere()
    return None


def _read_options(config_files: Sequence[Path]) -> Any:
    """Return the values of oslo.log's options, checked."""
    from oslo_config import cfg
    from oslo_log import log

    conf, told = cfg.ConfigOpts(), io.StringIO()
    log.register_options(conf)
    try:
        with contextlib.redirect_stderr(told):
            conf([], project="instance-images", default_config_files=list(map(str, config_files)))
    except cfg.Error as error:
        raise explained(error, config_files) from None
    except SystemExit as error:  # oslo.config treats the file's value as one of its command line
        reason = " ".join(told.getvalue().split()).removeprefix("argument --")
        raise ConfigurationError(f"Configuration: {redact(reason)}.") from error
    return conf


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error).rstrip(".")


def _keep_off_stdout() -> None:
    """Remove oslo.log's fallback handler: stdout is for results only."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            root.removeHandler(handler)


def _give_away_new_files(logger: logging.Logger) -> None:
    """Give a log created by root to the owner of its directory, whose runs write it."""
    for handler in logger.handlers:
        if os.geteuid() == 0 and isinstance(handler, logging.FileHandler):
            path = Path(handler.baseFilename)
            if path.stat().st_size == 0:
                owner = path.parent.stat()
                os.chown(path, owner.st_uid, owner.st_gid)


def _redact_everywhere() -> None:
    """Wrap every handler's formatter, including those of a log_config_append file."""
    for logger in (logging.getLogger(), *logging.Logger.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", []):
            if not isinstance(handler.formatter, RedactingFormatter):
                handler.setFormatter(RedactingFormatter(handler.formatter or logging.Formatter()))
