"""An instance: the process that runs one service, or a few together."""

import asyncio
import socket
from typing import Protocol, TypeAlias

import msgspec

from coterie.console.signals import Signals
from coterie.policy.inject import Injector
from coterie.system import SystemProblems, load
from coterie.system.registries import registry_at

from .channel import Beat, Channel, Drain, Faults, Order, Ready, Refused, first_line
from .loop import run
from .part_run import files_of, part_run

__all__ = ["DRAIN", "REFUSED", "Alive", "Told", "run_instance", "until_asked"]

Told: TypeAlias = Drain | Faults
"""What an instance hears from the supervisor."""

_BEAT = 1.0

DRAIN = Drain(10.0)
"""How an instance ends that a signal ends."""

REFUSED = 78
"""The exit code where as things are it will not start (EX_CONFIG of sysexits.h)."""


def run_instance(channel: socket.socket, listener: socket.socket | None) -> int:
    """Do what the supervisor's order says; the exit code."""
    order = first_line(channel)
    if listener is None:
        raise ValueError("an instance needs a socket to listen on")
    return run(_life(order, Channel(channel, msgspec.json.Decoder(Told)), listener))


async def _life(order: Order, channel: "Channel[Told]", listener: socket.socket) -> int:
    await channel.start()
    faults = order.faults
    injector = None if faults is None else Injector(faults.number, faults.rules)
    try:
        system = load(order.system, profile=order.profile, state=order.state)
        registry = registry_at(order.registry, system.name)
        await registry.start()
        try:
            if order.inventory is None:
                raise ValueError("an instance needs the inventory")
            with Signals(follower=True) as signals:
                async with part_run(
                    system,
                    order.services,
                    order.inventory,
                    registry,
                    listener,
                    signals,
                    name=order.name,
                    access_json=order.json,
                    patience=order.patience,
                    injector=injector,
                ) as running:
                    channel.send(Ready(running.offers, files_of(system)))
                    drain = await until_asked(running, channel, signals, injector)
                    await running.stop(linger=drain.linger, seconds=drain.seconds)
        finally:
            await registry.stop()
    except SystemProblems as error:
        channel.send(Refused.by(error))
        return REFUSED
    else:
        return 0
    finally:
        channel.close()


class Alive(Protocol):
    """What an instance tells of itself while it runs."""

    @property
    def in_flight(self) -> int:
        """Calls being answered at this moment."""
        ...

    @property
    def calls(self) -> int:
        """Calls answered so far."""
        ...


async def until_asked(
    running: Alive, channel: "Channel[Told]", signals: Signals, injector: Injector | None
) -> Drain:
    """Tell that we live, until the supervisor or a signal wants us to end."""
    beating = asyncio.ensure_future(_beat(running, channel))
    hearing = asyncio.ensure_future(_hear(channel, injector))
    asked = asyncio.ensure_future(signals.wait())
    try:
        await asyncio.wait({hearing, asked}, return_when=asyncio.FIRST_COMPLETED)
        return hearing.result() if hearing.done() else DRAIN
    finally:
        for task in (beating, hearing, asked):
            task.cancel()
        await asyncio.gather(beating, hearing, asked, return_exceptions=True)


async def _beat(running: Alive, channel: "Channel[Told]") -> None:
    while True:
        channel.send(Beat(running.in_flight, running.calls))
        await asyncio.sleep(_BEAT)


async def _hear(channel: "Channel[Told]", injector: Injector | None) -> Drain:
    async for message in channel:
        if isinstance(message, Drain):
            return message
        if injector is not None:
            injector.set(message.number, message.rules)
    return DRAIN
