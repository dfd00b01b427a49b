"""The process that stands for a program: hosts its application, or its command beside itself."""

import asyncio
import socket

import msgspec

from coterie.console.signals import Signals
from coterie.system import SystemProblems, load

from .channel import Channel, Order, Ready, Refused, first_line
from .instance import REFUSED, Told, until_asked
from .loop import run
from .part_run import files_of
from .program_run import program_run

__all__ = ["run_program"]


def run_program(channel: socket.socket, listener: socket.socket | None) -> int:
    """Do what the supervisor's order says; the exit code, the command's where that ended by itself."""
    order = first_line(channel)
    if listener is None:
        raise ValueError("a program needs a socket to listen on")
    return run(_life(order, Channel(channel, msgspec.json.Decoder(Told)), listener))


async def _life(order: Order, channel: "Channel[Told]", listener: socket.socket) -> int:
    await channel.start()
    try:
        system = load(order.system, profile=order.profile, state=order.state)
        [service] = order.services
        with Signals(follower=True) as signals:
            signals.hears = _always
            async with program_run(system, system.service(service), order, listener) as running:
                channel.send(Ready(running.offers, files_of(system)))
                asked = asyncio.ensure_future(until_asked(running, channel, signals, None))
                ended = asyncio.ensure_future(running.ended())
                try:
                    await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
                    if not asked.done():
                        return ended.result()
                    drain = asked.result()
                    await running.stop(linger=drain.linger)
                finally:
                    for task in (asked, ended):
                        task.cancel()
                    await asyncio.gather(asked, ended, return_exceptions=True)
    except SystemProblems as error:
        channel.send(Refused.by(error))
        return REFUSED
    else:
        return 0
    finally:
        channel.close()


def _always() -> bool:
    return True
