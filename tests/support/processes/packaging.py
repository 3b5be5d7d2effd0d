"""Builds wheels from the tree, and installs them into empty environments."""

import os
import subprocess
import sys
from pathlib import Path

from support.clouds.embedded_cloud import CHECKOUT

_OWN_UV = CHECKOUT / ".dev" / "uv" / "bin" / "uv"
UV = str(_OWN_UV) if _OWN_UV.exists() else "uv"


def build_wheel(names: str, directory: Path, part: str = ".") -> Path:
    """Build the wheel of a folder from copies of the named files and folders of the tree."""
    source, target = directory / "source", directory / "wheel"
    source.mkdir()
    subprocess.run(
        f"git ls-files -z --cached --others --exclude-standard -- {names}"
        f" | tar --null -T - -c | tar -x -C {source}",
        cwd=CHECKOUT,
        shell=True,
        check=True,
    )
    command = [UV, "build", "--quiet", "--wheel", "--out-dir", target, source / part]
    subprocess.run(command, check=True)
    (built,) = target.glob("*.whl")
    return built


def install_alone(wheel: str | Path, environment: Path) -> Path:
    """Install a wheel into an environment that has nothing else; return its folder of programs."""
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    programs = environment / "bin"
    command = [UV, "pip", "install", "--quiet", "--python", programs / "python"]
    command += ["--constraint", CHECKOUT / "constraints.txt", wheel]
    subprocess.run(command, check=True)
    return programs


def run_alone(programs: Path, directory: Path, *command: str) -> str:
    """Run a program of such an environment, which sees nothing of the tree; return its output."""
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [programs / command[0], *command[1:]],
        capture_output=True,
        text=True,
        env=bare,
        cwd=directory,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
