"""A PDF by Typst: tagged, with a font of ours in it, the same bytes for the same values.

Typst sees one folder, made for the document: the shipped templates and the operator's. It reaches
neither the network nor other files, and is given all values as JSON: what is in them is text,
whatever it looks like. Fonts of the machine are used only for characters that ours has not.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from instance_images.errors import ConfigurationError
from instance_images.names import printable

_PACKAGE = Path(__file__).parents[2]
_SHIPPED, _FONTS = _PACKAGE / "templates", _PACKAGE / "fonts"
_SUFFIXES = (".typ", ".svg", ".png", ".jpg", ".jpeg", ".webp")


def typeset(document: str, values: Mapping[str, object], directories: Sequence[Path]) -> bytes:
    """Return the PDF that the template makes of the values.

    It conforms to PDF/UA-1 unless there is a character that no font has: Typst refuses that, so
    such a document is tagged all the same, and does not claim to conform.

    Raises ConfigurationError where Typst is not installed and, with file and line, for a fault in
    one of the operator's templates.
    """
    typst = _engine()
    data = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    own = _own_files(directories)
    with _folder(own) as root:
        for system_fonts, accessible in ((False, True), (True, True), (True, False)):
            try:
                return _compiled(
                    root, document, data, system_fonts=system_fonts, accessible=accessible
                )
            except typst.TypstError as error:
                fault = error
    if not any(path.suffix == ".typ" for path in own.values()):
        raise fault
    raise ConfigurationError(
        f"Template {document}: {_reason(fault, root)} Correct it in"
        f" {', '.join(map(str, directories))}, or remove it to use the one that is shipped."
    ) from fault


def _engine() -> ModuleType:
    try:
        import typst
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "The format pdf needs typst, which is not installed: install instance-images[pdf]."
        ) from error
    engine: ModuleType = typst
    return engine


def _compiled(
    root: Path, document: str, data: str, *, system_fonts: bool, accessible: bool
) -> bytes:
    import typst

    content = typst.compile(
        str(root / document),
        root=str(root),
        font_paths=[str(_FONTS)],
        ignore_system_fonts=not system_fonts,
        format="pdf",
        sys_inputs={"data": data},
        pdf_standards=["ua-1"] if accessible else [],
        package_path=str(root / "packages"),
        package_cache_path=str(root / "packages"),
        timestamp=0,
    )
    assert isinstance(content, bytes)
    return content


def _own_files(directories: Sequence[Path]) -> dict[str, Path]:
    """Return the operator's files that Typst can use, by name; the first folder goes first."""
    found: dict[str, Path] = {}
    for directory in directories:
        if directory.is_dir():
            for path in sorted(directory.iterdir()):
                if path.suffix.lower() in _SUFFIXES and path.is_file():
                    found.setdefault(path.name, path)
    return found


@contextmanager
def _folder(own: Mapping[str, Path]) -> Iterator[Path]:
    """Make a folder of the shipped templates and of the operator's, which take their place."""
    with tempfile.TemporaryDirectory(prefix="cloud-usage-") as name:
        root = Path(name)
        (root / "shipped").mkdir()
        for path in sorted(_SHIPPED.glob("*.typ")):
            shutil.copyfile(path, root / "shipped" / path.name)
            shutil.copyfile(path, root / path.name)
        for file_name, path in own.items():
            try:
                shutil.copyfile(path, root / file_name)
            except OSError as error:
                raise ConfigurationError(
                    f"Template {path} cannot be read: {error.strerror}."
                ) from error
        yield root


def _reason(error: Any, root: Path) -> str:
    """Return what Typst says of a fault, and where, in one line."""
    told = " ".join(str(error.diagnostic or error.message).split())
    return printable(told.replace(f"{root}/", "").removeprefix("error: ")) + "."
