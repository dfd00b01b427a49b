"""Leases: who has fallen silent, and for how long."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

from .held import HeldInstance

__all__ = ["Leases"]

log = logging.getLogger("coterie.registry")


class Leases:
    """Looks after every instance that has a lease.

    ``lapsed`` is told the service when a lease has ended, ``over`` the service and the instance when
    it has been shown as DOWN for ``shown`` seconds. A heartbeat sets no timer: whoever looks in
    vain looks again when the lease ends now.
    """

    def __init__(
        self,
        shown: float,
        lapsed: Callable[[str], None],
        over: Callable[[str, HeldInstance], None],
    ) -> None:
        self._shown = shown
        self._lapsed = lapsed
        self._over = over

    def watch(self, name: str, instance: HeldInstance) -> None:
        """Look after this one, unless it is looked after already or has no lease."""
        if instance.record.ttl is not None and instance.timer is None:
            self._later(instance.due, name, instance)

    def renewed(self, name: str, instance: HeldInstance) -> None:
        """A lease that had ended has begun anew."""
        instance.let_go()
        self.watch(name, instance)

    def again(self, name: str, instance: HeldInstance) -> None:
        """It could not be forgotten yet."""
        self._later(monotonic() + self._shown, name, instance)

    def is_over(self, instance: HeldInstance) -> bool:
        """Whether it may be forgotten."""
        return instance.due + self._shown <= monotonic()

    def _later(self, moment: float, name: str, instance: HeldInstance) -> None:
        seconds = max(0.0, moment - monotonic())
        loop = asyncio.get_running_loop()
        instance.timer = loop.call_later(seconds, self._look, name, instance)

    def _look(self, name: str, instance: HeldInstance) -> None:
        instance.timer = None
        if instance.due > monotonic():
            self._later(instance.due, name, instance)
        elif self.is_over(instance):
            self._over(name, instance)
        else:
            if not instance.lapsed:
                instance.lapsed = True
                log.info("%s of %s fell silent, and is called no longer", instance.record.id, name)
                self._lapsed(name)
            self._later(instance.due + self._shown, name, instance)
