"""launch(): the default way to start a program, so that it never outlives this process."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence

from .port import Process

__all__ = ["launch"]

# Becomes the program in 10 ms, having asked for SIGKILL at the death of whoever started it
# (prctl(2), PR_SET_PDEATHSIG), which lasts over exec. Not done between fork and exec of this
# process, where Python code is not safe once there are threads. The kernel tells of deaths to
# come only: hence the look at the parent afterwards. Python adds a variable of its own (PEP 538):
# hence the names of those that were given.
_BECOME = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    try:
        kept = {name: os.environ[name] for name in sys.argv[2].split("=") if name}
        os.execve(sys.argv[3], sys.argv[3:], kept)
    except OSError as error:
        print(f"{sys.argv[3]}: {error.strerror}", file=sys.stderr)
sys.exit(127)
"""


class _Started:
    """An asyncio process that may be signalled when it is gone."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        return await self._process.wait()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


async def launch(
    command: Sequence[str], *, environment: Mapping[str, str], log: int | None
) -> Process:
    """Start ``command``; see `Launch`.

    On Linux the kernel ends it with this process, however that dies. Elsewhere only an end in
    good order, with `stop`, ends it.
    """
    if sys.platform == "linux":
        become = [sys.executable, "-I", "-S", "-c", _BECOME]
        command = [*become, str(os.getpid()), "=".join(environment), *command]
    output = asyncio.subprocess.DEVNULL if log is None else log
    process = await asyncio.create_subprocess_exec(
        *command,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # a group of its own: Ctrl-C in the terminal is not for it
    )
    return _Started(process)
