"""The formats that are a folder of files, for programs: what each is called, and what writes it.

A data set holds any number of statements: those of one account, or of all. What writes it takes
them one by one and keeps none, so memory stays flat however many there are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from instance_images.errors import Refused
from instance_images.names import printable
from instance_images_reports.formats.registry import missing_extra
from instance_images_reports.presentation import DEFAULT_PRESENTATION, Presentation

if TYPE_CHECKING:
    from instance_images_reports.statement.statement import Statement


@dataclass(frozen=True, slots=True)
class Dataset:
    """A format that is a folder. ``extra`` is what must be installed besides for it, if anything.

    ``contents`` are patterns of what lies in the folder. ``writer`` is ``module:function`` in this
    package. The function takes a folder, Statements, a Presentation and the number of the part, as
    ``write_dataset`` does.
    """

    writer: str
    contents: tuple[str, ...]
    extra: str | None = None


DATASETS = {
    "parquet": Dataset("formats.parquet:write_parquet", ("period=*",), extra="parquet"),
    "focus": Dataset(
        "formats.focus.report:write_focus",
        ("cost-and-usage*.csv", "invoice-detail*.csv", "billing-period*.csv"),
    ),
}

_Writer = Callable[[Path, "Iterable[Statement]", Presentation, int], None]


def write_dataset(
    name: str,
    folder: Path,
    statements: "Iterable[Statement]",
    presentation: Presentation = DEFAULT_PRESENTATION,
    part: int = 0,
) -> None:
    """Write the statements, which are of one period, as files below the folder, which is there.

    Several processes may fill one folder: each gives its files a ``part`` of its own, from 0 on
    without a gap. A folder is whole once all of them are done; see ``whole_directory``.

    Raises ConfigurationError where what the format needs is not installed, and OSError.
    """
    chosen = DATASETS[name]
    module, function = chosen.writer.split(":")
    try:
        writer: _Writer = getattr(import_module(f"instance_images_reports.{module}"), function)
        writer(folder, statements, presentation, part)
    except ModuleNotFoundError as error:
        if chosen.extra is None:
            raise
        raise missing_extra(name, chosen.extra, error) from error


def require_replaceable(name: str, folder: Path) -> None:
    """Raise Refused where the folder holds anything else than a data set of that format.

    A data set takes the place of a whole folder: of one that was named by mistake, all would go.
    """
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if not any(path.match(pattern) for pattern in DATASETS[name].contents):
            raise Refused(
                f"{folder} holds {printable(path.name)}, which is not part of a data set as"
                f" {name}: choose another folder."
            )
