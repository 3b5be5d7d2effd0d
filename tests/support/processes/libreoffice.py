"""LibreOffice with the settings of a locale, as a reader of files has it."""

import shutil
import subprocess
from pathlib import Path

# Microsoft's numbers of the languages: they decide what a number looks like.
LANGUAGES = {"en_GB": 2057, "de_DE": 1031}
DECIMAL_MARKS = {"en_GB": ".", "de_DE": ","}
COMMA, SEMICOLON, QUOTE, UTF_8 = 44, 59, 34, 76
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">
<value>{language}</value></prop></item>
</oor:items>
"""


def convert(directory: Path, locale: str, file: Path, *options: str) -> None:
    """Have LibreOffice, with the settings of the locale, write the file in another format."""
    program = shutil.which("soffice")
    if program is None:
        raise RuntimeError(
            "LibreOffice is missing: install it (Debian: apt install libreoffice-calc-nogui)"
        )
    profile = directory / f"profile-{locale}"
    settings = profile / "user" / "registrymodifications.xcu"
    if not settings.exists():
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS.format(language=locale.replace("_", "-")))
    command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", *options]
    subprocess.run(
        [*command, "--outdir", str(directory), str(file)],
        check=True,
        capture_output=True,
        timeout=180,
    )
