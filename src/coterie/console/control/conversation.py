"""One connection to the control socket: a request, and the lines that answer it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from msgspec import Struct

from .errors import ControlError
from .port import Controls
from .protocol import (
    LONGEST_REQUEST,
    Answer,
    Faults,
    Join,
    Leave,
    Logs,
    Ps,
    Request,
    Restart,
    Rows,
    Scale,
    ShowInventory,
    Stop,
    Terms,
    Watch,
    line_of,
    request_of,
)

__all__ = ["Conversation"]

log = logging.getLogger("coterie.console")

_DISCARD = 4096


class _Gone(Exception):
    """Whoever asked does not read any more."""


class Conversation:
    """Answers one request. ``changing`` says that it is one that changes the system.

    A request must come, and each line be read, within ``patience`` seconds; `Watch` shows rows
    every ``beat`` seconds.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        controls: Controls,
        *,
        patience: float,
        beat: float,
    ) -> None:
        self.changing = False
        self._reader = reader
        self._writer = writer
        self._controls = controls
        self._patience = patience
        self._beat = beat
        self._left = False

    async def run(self) -> None:
        """Read, answer and close. Raises nothing but its cancellation."""
        try:
            await self._answer()
            await self._close()
        except _Gone:
            pass
        finally:
            # What is still unread now will never be read: it is not waited for.
            transport = self._writer.transport
            if transport.get_write_buffer_size():
                transport.abort()
            else:
                self._writer.close()

    def refuse(self, what: str, remedy: str) -> None:
        """Answer no request at all, but this; never raises."""
        self._writer.write(line_of(Answer(error=what, remedy=remedy)))
        self._writer.close()

    async def _answer(self) -> None:
        try:
            await self._do(await self._request())
            await self._send(Answer(done=True))
        except _Gone:
            raise
        except ControlError as error:
            await self._send(Answer(error=error.what, remedy=error.remedy))
        except Exception as error:
            # Whoever asks must not bring down what runs the system.
            log.exception("a request at the control socket failed")
            what = f"the supervisor failed at it: {type(error).__name__}: {error}"
            remedy = "Its log tells where; this is a defect of Coterie's"
            await self._send(Answer(error=what, remedy=remedy))

    async def _request(self) -> Request:
        example = 'Send one JSON object and a line feed, such as {"do": "ps"}'
        try:
            async with asyncio.timeout(self._patience):
                return request_of(await self._reader.readuntil())
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                raise _Gone from None
            return request_of(error.partial)
        except asyncio.LimitOverrunError:
            await self._discard()
            what = f"that request is longer than {LONGEST_REQUEST} bytes"
            raise ControlError(what, example) from None
        except TimeoutError:
            what = f"no request came within {self._patience:g} s"
            raise ControlError(what, example) from None
        except ConnectionError:
            raise _Gone from None

    async def _discard(self) -> None:
        # Closing with bytes unread resets the connection (unix(7)): our answer would be lost.
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(self._patience):
                while (read := await self._reader.read(LONGEST_REQUEST)) and b"\n" not in read:
                    pass

    async def _do(self, request: Request) -> None:
        match request:
            case Ps():
                await self._send(await self._rows())
            case ShowInventory():
                found = await self._controls.inventory()
                await self._send(Answer(inventory=found.inventory, seen=found.seen))
            case Terms():
                await self._send(Answer(welcome=await self._controls.terms()))
            case Scale() | Restart() | Stop() | Leave() | Faults():
                await self._change(self._steps_of(request))
            case Join():
                await self._while_there(self._show(self._controls.join(request.guest)))
            case Logs(follow=False):
                await self._lines(request)
            case Logs():
                await self._while_there(self._lines(request))
            case Watch():
                await self._while_there(
                    self._lines(Logs(lines=0, follow=True)), self._rows_again_and_again()
                )

    def _steps_of(
        self, request: Scale | Restart | Stop | Leave | Faults
    ) -> AsyncGenerator[str, None]:
        match request:
            case Scale():
                return self._controls.scale(request.service, request.replicas)
            case Restart():
                return self._controls.restart(request.names)
            case Stop():
                return self._controls.stop(request.names)
            case Leave():
                return self._controls.leave(request.name)
            case Faults():
                return self._controls.faults(request.number, request.rules)

    async def _change(self, steps: AsyncGenerator[str, None]) -> None:
        """Run ``steps`` to their end: a system half changed helps nobody."""
        self.changing = True  # until it is told that all is done, too
        async with aclosing(steps):
            async for told in steps:
                with suppress(_Gone):
                    await self._send(Answer(told=told))

    async def _show(self, steps: AsyncGenerator[str, None]) -> None:
        async with aclosing(steps):
            async for told in steps:
                await self._send(Answer(told=told))

    async def _lines(self, request: Logs) -> None:
        lines = self._controls.logs(request.names, request.lines, follow=request.follow)
        async with aclosing(lines):
            async for line in lines:
                await self._send(line)

    async def _rows(self) -> Rows:
        return Rows(tuple(await self._controls.rows()))

    async def _rows_again_and_again(self) -> None:
        while True:
            await self._send(await self._rows())
            await asyncio.sleep(self._beat)

    async def _while_there(self, *works: Coroutine[Any, Any, None]) -> None:
        """Work until the first of ``works`` ends, or whoever asked has closed the connection."""
        leaving = asyncio.ensure_future(self._leave())
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            await asyncio.wait([leaving, *tasks], return_when=asyncio.FIRST_COMPLETED)
            ended = [task for task in tasks if task.done()]
            if not ended:
                raise _Gone
            for task in ended:
                task.result()
        finally:
            for task in (leaving, *tasks):
                task.cancel()
            await asyncio.gather(leaving, *tasks, return_exceptions=True)

    async def _leave(self) -> None:
        with suppress(ConnectionError):
            while await self._reader.read(_DISCARD):
                pass

    async def _send(self, value: Struct) -> None:
        if self._left:
            raise _Gone
        try:
            self._writer.write(line_of(value))
            async with asyncio.timeout(self._patience):
                await self._writer.drain()
        except (TimeoutError, ConnectionError):
            self._left = True
            raise _Gone from None

    async def _close(self) -> None:
        self._writer.close()
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(self._patience):
                await self._writer.wait_closed()
