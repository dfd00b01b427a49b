"""join(): services of a running system, run by a process that was started elsewhere."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress

from coterie.console.control import BrokenOff, ControlClient, ControlError, Guest
from coterie.console.interrupted import Interrupted
from coterie.console.programs import refuse_programs
from coterie.console.signals import Signals
from coterie.system import System
from coterie.system.registries import registry_at

from .listener import Listener
from .part_run import part_run

__all__ = ["join"]

log = logging.getLogger("coterie.console")

_DRAIN = 10.0


async def join(
    system: System,
    services: Sequence[str],
    *,
    told: Callable[[str], None],
    access_json: bool = False,
    patience: float = 60.0,
) -> None:
    """Run ``services`` in this process, in the place of the running system's own instances.

    For a debugger, or an editor's run button: the gateway and all callers reach the services here
    until SIGINT or SIGTERM; then the system's own come back first. Raises `NotUp` where the system
    is not running, `ControlError` where it does not take us, `SystemProblems` as starting does.
    """
    joining = [system.service(name) for name in services]
    refuse_programs(system, joining, "`--join` runs services in this process")
    client = ControlClient(system.state)
    terms = await client.terms()
    registry = registry_at(terms.registry, system.name)
    await registry.start()
    listener = Listener()
    listener.open()
    name = f"{services[0]}-joined-{os.getpid()}"
    try:
        with Signals() as signals:
            async with part_run(
                system,
                services,
                terms.inventory,
                registry,
                listener.socket,
                signals,
                name=name,
                access_json=access_json,
                patience=patience,
            ) as running:
                guest = Guest(name, os.getpid(), listener.url, tuple(services), running.offers)
                staying = asyncio.ensure_future(_stay(client, guest, told))
                asked = asyncio.ensure_future(signals.wait())
                try:
                    await asyncio.wait({staying, asked}, return_when=asyncio.FIRST_COMPLETED)
                    if staying.done():
                        staying.result()
                        told("the system has stopped")
                    else:
                        with suppress(ControlError):
                            async for line in client.leave(name):
                                told(line)
                    await running.stop(linger=True, seconds=_DRAIN)
                except asyncio.CancelledError:
                    raise Interrupted from None
                finally:
                    for task in (staying, asked):
                        task.cancel()
                    await asyncio.gather(staying, asked, return_exceptions=True)
    finally:
        await registry.stop()


async def _stay(client: ControlClient, guest: Guest, told: Callable[[str], None]) -> None:
    with suppress(BrokenOff):  # a system that stops has nothing more to say
        async with aclosing(client.join(guest)) as lines:
            async for line in lines:
                told(line)
