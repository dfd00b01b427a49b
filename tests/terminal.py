"""A terminal for documents: types what a reader would type, and sees what they would see.

Commands share a folder and exported variables, as in one terminal. `coterie up` is the second
terminal: it runs until the next one, or until the document ends. With `--reload` it follows the
document's files a moment after they are written, so whoever only looks may look again (`looks`).
"""

import contextlib
import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

__all__ = ["Terminal", "commands", "looks"]

ROOT = Path(__file__).parents[1]

_UP = re.compile(r"(?:(?P<before>.+) && )?(?P<up>coterie up\b.*)", re.DOTALL)
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_PORT = re.compile(r"--port (\d+)")
_READY = re.compile(r"ready in .* http://127\.0\.0\.1:(\d+) ")
_LOOK = re.compile(
    r"curl(?!.* (-d|-X|--data) )|coterie (ps|routes|inventory|logs)\b|(\w+=\S+ )?python -m pytest ",
    re.DOTALL,
)
_PATIENCE = 60.0
_COLUMNS = 100

# Settings of the machine, or of the pytest around us, that a reader does not have.
_OTHERS = ("COTERIE_", "PYTEST_", "PYTHON", "DATABASE_URL", "SHOP_", "FORCE_COLOR", "COLUMNS")


def commands(block: str) -> list[tuple[str, str]]:
    """The commands of a block, each with the output shown below it, which may be none.

    A line that begins with ``$`` is a command, one that ends with a backslash goes on.
    """
    found: list[tuple[str, str]] = []
    open_ended = False
    for line in block.splitlines():
        if open_ended:
            command, _ = found.pop()
            found.append((f"{command}\n{line}", ""))
        elif line.startswith("$ "):
            found.append((line[2:], ""))
        elif found:
            command, output = found.pop()
            found.append((command, f"{output}{line}\n"))
        else:
            raise ValueError(f"{line!r}: a console block begins with a command, `$ ...`")
        open_ended = line.endswith("\\") and not found[-1][1]
    return found


def looks(command: str) -> bool:
    """Whether ``command`` changes nothing that counts, and may be given again."""
    return _LOOK.match(command) is not None


class Terminal:
    """Runs commands in ``folder``, where documents' addresses stand for those really used.

    Documents write 127.0.0.1:8080, or the port they name; the system takes a free one. So that
    both are right, commands are changed on their way in and outputs on their way out.
    """

    def __init__(self, folder: Path, kept: Path) -> None:
        self.folder = folder
        self._variables = kept / "variables"
        self._place = kept / "place"
        self._log = kept / "log"
        self._up: subprocess.Popen[str] | None = None
        self._shown = self._real = "127.0.0.1:8080"
        self.follows = False
        """Whether a system runs that follows the files of its folder."""

        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)
        }
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        self._environment |= {"PATH": programs, "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1"}
        # A reader's pytest knows the plugin that the generated project needs, and no other.
        self._environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        self._environment["PYTEST_ADDOPTS"] = "-p pytest_asyncio.plugin -p no:cacheprovider"

    def really(self, text: str) -> str:
        """``text`` of the document with the address that is really used."""
        return text.replace(self._shown, self._real)

    def type(self, command: str) -> tuple[int, str]:
        """Exit code and output of ``command``; 0 for a system that came up, and stays up."""
        if "examples/" in command and not (self.folder / "examples").exists():
            # A copy: what a system keeps beside its file must not land in the source tree.
            shutil.copytree(
                ROOT / "examples",
                self.folder / "examples",
                ignore=shutil.ignore_patterns(".coterie", "__pycache__"),
            )
        up = _UP.fullmatch(command)
        if up is None:
            return self._run(command)
        code, output = self._run(up["before"]) if up["before"] else (0, "")
        if code == 0:
            code, more = self._start(up["up"])
            output += more
        return code, output

    def close(self) -> None:
        """Stop what runs, as Ctrl-C would."""
        running, self._up = self._up, None
        if running is None:
            return
        running.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.communicate(timeout=_PATIENCE)
        if running.poll() is None:
            running.kill()
            running.communicate()

    def _run(self, command: str) -> tuple[int, str]:
        if self._up is not None:
            command = command.replace("coterie call", f"coterie call --url http://{self._real}")
        script = (
            f"{self.really(command)}\ncode=$?\npwd > {self._place}\nexport -p > {self._variables}\n"
        )
        code, output = self._watched(["/bin/sh", "-c", f"{self._recalled()}{script}exit $code"])
        self.folder = Path(self._place.read_text().rstrip("\n"))
        return code, self._as_shown(output)

    def _watched(self, command: list[str]) -> tuple[int, str]:
        """Run ``command`` as if somebody looked: many programs print otherwise for a pipe."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, _COLUMNS, 0, 0))
        running = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        alarm = threading.Timer(_PATIENCE, running.kill)
        alarm.start()
        seen = bytearray()
        # Linux tells the end of a terminal by an error, others by nothing more.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 65536):
                seen += part
        code = running.wait()
        alarm.cancel()
        os.close(ours)
        return code, _STYLE.sub("", seen.decode().replace("\r\n", "\n"))

    def _start(self, command: str) -> tuple[int, str]:
        self.close()
        self.follows = "--reload" in command
        port = _PORT.search(command)
        self._shown = f"127.0.0.1:{port[1] if port else 8080}"
        with self._log.open("w") as log:
            self._up = running = subprocess.Popen(
                ["/bin/sh", "-c", f"{self._recalled()}exec {_PORT.sub('', command)} --port 0"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        lines: list[str] = []
        alarm = threading.Timer(_PATIENCE, running.kill)
        alarm.start()
        for line in running.stdout or ():
            lines.append(line)
            ready = _READY.match(line)
            if ready is not None:
                alarm.cancel()
                self._real = f"127.0.0.1:{ready[1]}"
                return 0, self._as_shown("".join(lines))
        alarm.cancel()
        self._up = None
        running.communicate()
        return running.returncode, "".join(lines) + self._log.read_text()

    def _recalled(self) -> str:
        return f". {self._variables}\n" if self._variables.exists() else ""

    def _as_shown(self, text: str) -> str:
        return text.replace(self._real, self._shown)
