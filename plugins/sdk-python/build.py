"""Builds the component of a project: ``python3 wellhead/sdk-python/build.py [FOLDER] [-o FILE]``.

What it needs besides Python 3.10 or newer, with its module venv, it installs into ``FOLDER/.venv``: componentize-py,
where it isn't on the path already, and the dependencies that ``pyproject.toml`` names. They are on the component's
path, too, so they have to be Python alone. Only the standard library is used here.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SDK = Path(__file__).resolve().parent
VERSION = "0.25.1"
TOOL = f"componentize-py=={VERSION}"
#: The component's path, besides the project's folder and its packages.
OWN = [SDK, SDK / "component"]


class Refused(Exception):
    """The build can't be done; says why, and what to do."""


def main() -> int:
    arguments = argparse.ArgumentParser(description="Builds the component of a project.")
    arguments.add_argument("folder", nargs="?", default=".", type=Path, help="where pyproject.toml lies")
    arguments.add_argument("-o", "--output", type=Path, help="the component's file; else NAME.wasm in the folder")
    given = arguments.parse_args()
    try:
        print(build(given.folder, given.output))
    except Refused as why:
        print(f"error: {why}", file=sys.stderr)
        return 1
    return 0


def build(folder: Path, output: Path | None) -> Path:
    if sys.version_info < (3, 10):
        raise Refused(f"{sys.executable} is Python {sys.version.split()[0]}; it takes 3.10 or newer")
    project = read_project(folder)
    if not (folder / "app.py").is_file():
        raise Refused(f"there is no app.py in {folder}, where the generator is to be")
    output = output or folder / f"{project['name']}.wasm"
    tool, packages, fresh = prepared(folder, project.get("dependencies", []))
    if fresh and project.get("dependencies"):
        # The memory that it takes to compile them stays in the component (Faker: 45 MB of 70). This leaves them
        # compiled, so that the next one only loads them.
        compose(folder, tool, packages, output)
    compose(folder, tool, packages, output)
    return output


def read_project(folder: Path) -> dict:
    """The table `project` of pyproject.toml."""
    path = folder / "pyproject.toml"
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        from pip._vendor import tomli as tomllib
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
    except OSError as error:
        raise Refused(f"{path} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise Refused(f"{path} is not TOML: {error}") from None
    if "name" not in project:
        raise Refused(f"{path} has no `name` in [project]")
    return project


def prepared(folder: Path, dependencies: list[str]) -> tuple[str, Path, bool]:
    """The compiler, the folder of the project's packages, and whether they are new; installs what isn't there."""
    environment = folder / ".venv"
    on_path = shutil.which("componentize-py")
    if on_path and VERSION not in said([on_path, "--version"]):
        on_path = None
    wanted = [*dependencies] if on_path else [TOOL, *dependencies]
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    python = programs / ("python.exe" if os.name == "nt" else "python")
    if not python.exists():
        make_environment(environment, with_pip=bool(wanted))
    mark = environment / "wellhead-installed"
    fresh = not mark.is_file() or mark.read_text(encoding="utf-8").split("\n") != wanted
    if wanted and fresh:
        install(environment, python, wanted)
        mark.write_text("\n".join(wanted), encoding="utf-8")
    packages = Path(said([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]))
    # For tests and editors: `.venv/bin/python -m unittest` finds the SDK.
    (packages / "wellhead_sdk.pth").write_text(f"{SDK}\n", encoding="utf-8")
    return on_path or str(programs / "componentize-py"), packages, fresh


def make_environment(environment: Path, with_pip: bool) -> None:
    print(f"making {environment}", file=sys.stderr)
    command = [sys.executable, "-m", "venv", str(environment)]
    done = subprocess.run(command if with_pip else [*command, "--without-pip"], capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(environment, ignore_errors=True)
        raise Refused(
            f"{sys.executable} can't make a virtual environment: on Debian and Ubuntu its module is a package of its "
            f"own, apt-get install python3-venv. It said:\n{indented(done.stdout + done.stderr)}"
        )


def install(environment: Path, python: Path, wanted: list[str]) -> None:
    print(f"installing {', '.join(wanted)} into {environment}", file=sys.stderr)
    if subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode:
        make_environment(environment, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-q", *wanted]
    done = subprocess.run(pip, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Refused(
            f"{' '.join(wanted)} can't be installed. Is there a network, and are they spelled so in pyproject.toml? "
            f"pip said:\n{indented(done.stdout)}"
        )


def compose(folder: Path, tool: str, packages: Path, output: Path) -> None:
    """Runs componentize-py, and makes its words those of the author's files."""
    wit = folder / "wit"
    wit = wit if wit.is_dir() else SDK.parent.parent / "wit"
    environment = {**os.environ, "RUST_BACKTRACE": "0"}
    # A virtual environment that happens to be active is not the project's.
    environment.pop("VIRTUAL_ENV", None)
    with tempfile.TemporaryDirectory() as own:
        path = [folder.resolve(), *OWN, packages, *native(Path(own))]
        command = [tool, "-q", "-d", str(wit), "-w", "plugin", "componentize", "--stub-wasi", "wellhead_component"]
        command += [word for each in path for word in ("-p", str(each))] + ["-o", str(output)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    if done.returncode:
        raise Refused(f"app.py can't be made into a component:\n{indented(told(done.stdout, path))}")


def native(folder: Path) -> list[Path]:
    """The folder, with the SDK's native module in it, where there is one: `wellhead plugin build` says where it lies.
    Without it a component makes the same records, more slowly."""
    module = os.environ.get("WELLHEAD_NATIVE")
    if not module:
        return []
    # The name by which the Python of that componentize-py finds it.
    shutil.copyfile(module, folder / "_wellhead.cpython-314-wasm32-wasi.so")
    return [folder]


def told(output: str, path: list[Path]) -> str:
    """The author's traceback out of what componentize-py said, with paths as they are here."""
    begin = output.find("AssertionError: ")
    inner = output[begin + len("AssertionError: ") :] if begin >= 0 else output
    inner = inner.split("\n\nCaused by:")[0].strip() or output.strip()
    for number, each in enumerate(path):
        # The project's own files by their names, as the author knows them.
        inner = inner.replace(f'"/{number}/', '"' if number == 0 else f'"{each}/')
    frames = r'  File "[^"\n]*wellhead_component\.py", line \d+, in <module>\n    import app.*\n(?:    [~^ ]+\n)?'
    return re.sub(frames, "", inner)


def said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines())


if __name__ == "__main__":
    sys.exit(main())
