"""ServiceWorker: starts the process of an instance, on a socket that stays."""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

import msgspec

from coterie.call import Failure
from coterie.registry import Offer

from .channel import Beat, Channel, Drain, Faults, Order, Ready, Refused
from .kept import NotStarted
from .launch import Launcher
from .listener import Listener
from .process import Process, how_ended

__all__ = ["ServiceWorker"]

_DRAIN = 10.0
_SPARE = 5.0

_Told: TypeAlias = Ready | Refused | Beat
_decoder: msgspec.json.Decoder[_Told] = msgspec.json.Decoder(_Told)


class ServiceWorker:
    """Forks instances for ``order``, one after the other at the same address.

    ``listener`` is kept here and lent to each of them: connections made while one takes over from
    another wait there. ``beat`` is told how each lives. What they do is ``work``, asked at each start.
    """

    def __init__(
        self,
        work: Callable[[], str],
        order: Callable[[], Order],
        launcher: Launcher,
        listener: Listener,
        log: int,
        *,
        beat: Callable[[Beat], None],
    ) -> None:
        self.offers: tuple[Offer, ...] = ()
        self.files: frozenset[str] = frozenset()
        self.work = work()
        """What the latest does."""

        self._work = work
        self._order = order
        self._launcher = launcher
        self._listener = listener
        self._log = log
        self._beat = beat
        self._channels: dict[Process, Channel[_Told]] = {}
        self._latest: Process | None = None
        self._readers: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where it answers."""
        return self._listener.url

    def hold(self) -> None:
        """Listen; connections wait."""
        self._listener.open()

    def let_go(self) -> None:
        """Listen no longer; connections are refused."""
        self._listener.close()

    async def start(self) -> Process:
        """Fork an instance; returns once it answers."""
        try:
            self._listener.open()
        except OSError as error:
            raise NotStarted(f"cannot listen on {self.address}: {error.strerror}") from error
        here, there = socket.socketpair()
        channel = Channel(here, _decoder)
        work = self._work()
        try:
            process = await self._launcher.fork(
                work, log=self._log, channel=there, listener=self._listener.socket
            )
        except Failure as error:
            here.close()
            raise NotStarted(str(error)) from error
        finally:
            there.close()
        await channel.start()
        order = self._order()
        channel.send(order)
        self._channels[process] = channel
        ready = asyncio.get_running_loop().create_future()
        reader = asyncio.create_task(self._read(process, channel, ready))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        try:
            async with asyncio.timeout(order.patience + _SPARE):
                await asyncio.wait({ready, reader}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            await process.end_of(0)
            what = f"did not answer within {order.patience + _SPARE:g} s of starting"
            raise NotStarted(what) from None
        except asyncio.CancelledError:
            process.signal(signal.SIGKILL)
            raise
        if not ready.done():
            code = await process.end_of(_SPARE)
            raise NotStarted(f"{how_ended(code)} before it answered")
        told = ready.result()
        if isinstance(told, Refused):
            await process.end_of(_SPARE)  # a thread of the user's may hold it up
            raise NotStarted("cannot start: " + "; ".join(map(str, told.problems)))
        self.offers = told.offers
        self.files = frozenset(told.files)
        self.work = work
        self._latest = process
        return process

    def suffer(self, faults: Faults) -> None:
        """Have the instances that run meet ``faults``; those to come have them in their order."""
        for channel in self._channels.values():
            channel.send(faults)

    async def drain(self, process: Process, *, linger: bool) -> None:
        """Let it finish; where it does not, end it."""
        channel = self._channels.get(process)
        if channel is not None:
            channel.send(Drain(_DRAIN, linger))
        try:
            async with asyncio.timeout(2 * _DRAIN + _SPARE):
                await process.wait()
        except TimeoutError:
            await process.end(0)

    async def _read(
        self,
        process: Process,
        channel: Channel[_Told],
        ready: "asyncio.Future[Ready | Refused]",
    ) -> None:
        try:
            async for told in channel:
                if isinstance(told, Beat):
                    if process is self._latest:
                        self._beat(told)
                elif not ready.done():
                    ready.set_result(told)
        finally:
            self._channels.pop(process, None)
            channel.close()
            with suppress(asyncio.CancelledError):
                await process.wait()
