"""Launching: processes by way of the fork server, and what becomes of them."""

import asyncio
import ctypes
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from coterie.call import Failure
from coterie.contract import Code

from .forkserver import Work, serve
from .process import Process
from .strays import children, group_of

__all__ = ["Launcher"]

log = logging.getLogger("coterie.console")

_PR_SET_CHILD_SUBREAPER = 36  # prctl(2), <linux/prctl.h>
_PATIENCE = 10.0
_END = 2.0
_STEADY = 2.0
_PAUSE = 0.2
_LOOK = 1.0
_STRAYS_END = 0.5


class _Died(Exception):
    """The fork server that was asked is no more."""


class Launcher:
    """Starts processes. Made before there is an event loop or a thread: it forks this process.

    ``works`` are what forked processes can be told to do, by name. Where the fork server dies,
    ``again`` is the command that becomes another one, given a file descriptor as its last
    argument. What a process leaves behind when it ends, in its process group, is ended too; what
    has left that group, when all ends. Linux only.
    """

    def __init__(self, works: Mapping[str, Work], again: Sequence[str]) -> None:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        supervisor = os.getpid()
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self.pid = os.fork()
        if self.pid == 0:
            here.close()
            try:
                serve(there, supervisor, works)
            finally:
                os._exit(0)
        there.close()
        here.setblocking(False)  # noqa: FBT003  # the socket's own signature
        self.restarts = 0
        self._again = tuple(again)
        self._orders = here
        self._sessions: list[int] = []
        self._numbers = itertools.count()
        self._answers: dict[int, tuple[socket.socket, asyncio.Future[int]]] = {}
        self._ours: dict[int, Process] = {}
        self._strays: dict[int, Process] = {}
        self._server: Process | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen to the fork server, and replace it should it die."""
        self._listen(self._orders)
        self._server = Process(self.pid)
        self._task(self._keep(self._server), "keep the fork server")
        self._task(self._tidy(), "reap what services leave behind")

    async def stop(self) -> None:
        """End the fork server, and all that is left of what it forked."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(_END):
                await asyncio.gather(*(process.end_of(0) for process in self._ours.values()))
                while strays := self._unknown():  # their own children come to us when they end
                    ending = [self._adopt(pid).end(_STRAYS_END) for pid in strays]
                    await asyncio.gather(*ending)
        if self._orders.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._orders)
            self._orders.close()  # which ends it, and whatever is left of its session
        if self._server is not None:
            await self._server.end_of(_END)

    async def fork(
        self, work: str, *, log: int, channel: socket.socket, listener: socket.socket | None = None
    ) -> Process:
        """A process that does ``work``; its output goes to the file ``log``."""
        fds = [log, channel.fileno()]
        if listener is not None:
            fds.append(listener.fileno())
        return await self._ask({"do": "fork", "work": work}, fds)

    async def execute(
        self, command: Sequence[str], *, environment: Mapping[str, str], log: int
    ) -> Process:
        """A process that is another program."""
        return await self._ask(
            {"do": "execute", "command": list(command), "environment": dict(environment)}, [log]
        )

    async def _keep(self, process: Process) -> None:
        since = monotonic()
        while True:
            await process.wait()
            log.warning("the fork server has died; starting another")
            if monotonic() - since < _STEADY:
                await asyncio.sleep(_PAUSE)
            since = monotonic()
            self.restarts += 1
            self._sessions.append(self.pid)
            try:
                process = self._server = self._another()
            except OSError as error:
                log.error("there can be no other fork server: %s", error)  # noqa: TRY400
                await asyncio.sleep(_PAUSE)

    def _another(self) -> Process:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            program = subprocess.Popen(
                [*self._again, str(there.fileno())],
                pass_fds=[there.fileno()],
                start_new_session=True,
            )
        program.returncode = 0  # we reap it: it need not wait, nor complain
        here.setblocking(False)  # noqa: FBT003  # the socket's own signature
        self.pid, self._orders = program.pid, here
        self._listen(here)
        self._send({"do": "know"}, [])
        return Process(self.pid)

    async def _ask(self, order: dict[str, object], fds: list[int]) -> Process:
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    with suppress(_Died):
                        return await self._asked(order, fds)
                    await asyncio.sleep(_END / 100)  # another one is on its way
        except (OSError, TimeoutError) as error:
            what = f"the fork server does not answer ({str(error) or 'it hangs'})"
            raise Failure(Code.UNAVAILABLE, f"{what}: start the system again") from error

    async def _asked(self, order: dict[str, object], fds: list[int]) -> Process:
        number = next(self._numbers)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._answers[number] = self._orders, answer
        try:
            try:
                self._send({**order, "id": number}, fds)
            except BlockingIOError:
                raise
            except OSError as error:
                raise _Died from error
            pid = await answer
        finally:
            self._answers.pop(number, None)
        process = self._strays.pop(pid, None) or Process(pid)  # it may have been seen already
        self._ours[pid] = process
        self._task(self._bury(process), f"see {pid} end")
        return process

    def _send(self, order: dict[str, object], fds: list[int]) -> None:
        message = json.dumps({**order, "sessions": self._sessions}).encode()
        socket.send_fds(self._orders, [message], fds)

    def _listen(self, orders: socket.socket) -> None:
        asyncio.get_running_loop().add_reader(orders, self._hear, orders)

    def _hear(self, orders: socket.socket) -> None:
        try:
            message = orders.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if message:
            told = json.loads(message)
            _, answer = self._answers.get(told["id"], (None, None))
            if answer is not None and not answer.done():
                answer.set_result(told["pid"])
            else:
                self._adopt(told["pid"]).signal(signal.SIGKILL)  # nobody waits for it any more
            return
        # Its end is the last that comes, after every answer.
        asyncio.get_running_loop().remove_reader(orders)
        orders.close()
        for asked, answer in self._answers.values():
            if asked is orders and not answer.done():
                answer.set_exception(_Died())

    async def _bury(self, process: Process) -> None:
        """Once ``process`` has ended, end what it has left in its group."""
        await process.wait()
        self._ours.pop(process.pid, None)
        while left := [pid for pid in self._unknown() if group_of(pid) == process.pid]:
            ending = [self._adopt(pid).end(_STRAYS_END) for pid in left]
            await asyncio.gather(*ending)  # and then what these have left to us in turn

    async def _tidy(self) -> None:
        """Take note of what was adopted, so that it is reaped when it ends."""
        while True:
            await asyncio.sleep(_LOOK)
            for pid in self._unknown():
                with suppress(OSError):
                    self._adopt(pid)

    def _unknown(self) -> list[int]:
        return [pid for pid in children() if pid not in self._ours and pid != self.pid]

    def _adopt(self, pid: int) -> Process:
        stray = self._strays.get(pid)
        if stray is None or not stray.alive:
            stray = self._strays[pid] = Process(pid)
            self._task(self._forget(stray), f"reap {pid}")
        return stray

    async def _forget(self, stray: Process) -> None:
        await stray.wait()
        self._strays.pop(stray.pid, None)

    def _task(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
