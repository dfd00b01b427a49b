"""Nats: the registry of a system of several processes, kept by a NATS broker."""

import asyncio
import contextlib
import logging
import random
from time import monotonic

import msgspec

from coterie.call import Failure
from coterie.contract import Code

from .nats_session import Heard, Lost, Session, Superseded, without_secrets
from .port import Instance, Told, Watch
from .roll import Key, Roll

__all__ = ["Nats"]

log = logging.getLogger("coterie.registry")

_APART = 0.05
"""Seconds between two tries to connect."""
_MOMENT = 1.0
"""Seconds that those who announce may be slower than we are, after a broker's return."""
_FAREWELL = 2.0
"""Seconds that withdrawing may take on `stop`; a lease ends by itself."""


class Nats:
    """A registry that lives in the memory of a NATS broker (nats-server 2.12 or later, JetStream).

    ``url`` is the broker's (``nats://host:4222``; several with commas between), ``lease`` the
    seconds after which an instance is gone whose announcer fell silent: whole ones, and the
    broker's clock adds up to half a second either way. Registries of another ``system`` on
    the same broker do not meet. ``patience`` is how many seconds `start` and a first `watch` wait.

    Load: an announcement costs two messages to the broker, and one to each process that watches the
    service; a renewal one to the broker every third of a lease, and none to anybody. So 200
    instances with a lease of 5 s make 120 messages a second however many watch. A quiet watch
    costs a heartbeat each half lease. Nothing is written to a disk.

    While the broker is away every watch keeps what it knew. When it is back, all is announced and
    watched anew at once, and what nobody announced again within a lease and a second is dropped.
    """

    def __init__(
        self, url: str, *, lease: float = 5.0, system: str = "coterie", patience: float = 5.0
    ) -> None:
        if lease < 1:
            raise ValueError("a lease of less than a second would end between two renewals")
        self._url = url
        self._lease = lease
        self._system = system
        self._patience = patience
        self._session: Session | None = None
        self._mine: dict[Key, Instance] = {}
        self._unsaid: set[Key] = set()  # announced or withdrawn here, and the broker may not know
        self._sequences: dict[Key, int] = {}
        self._rolls: dict[str | None, Roll] = {}
        self._whole: dict[str | None, asyncio.Event] = {}
        self._unreadable: set[Key] = set()
        self._keeping: asyncio.Task[None] | None = None
        self._why = ""

    def __repr__(self) -> str:
        return f"<Nats {without_secrets(self._url)}, {len(self._mine)} announced>"

    # --- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect. Raises `Failure` where the broker cannot be reached in time, or cannot do it."""
        there: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeping = asyncio.create_task(self._keep(there), name="coterie registry")
        try:
            async with asyncio.timeout(self._patience):
                await there
        except TimeoutError as error:
            await self.stop()
            raise Failure(
                Code.UNAVAILABLE,
                f"the registry at {without_secrets(self._url)} was not reached within"
                f" {self._patience:g} s: {self._why or 'no answer'}; is the broker running, and is"
                " the address right?",
            ) from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Withdraw what was announced here, end every watch, disconnect. Never raises."""
        mine, self._mine = list(self._mine), {}
        session = self._session
        if session is not None:
            with contextlib.suppress(Lost, TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await asyncio.gather(*(self._farewell(session, key) for key in mine))
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
            self._keeping = None
        for roll in self._rolls.values():
            roll.close()

    # --- what the port promises -----------------------------------------------------------------

    async def announce(self, instance: Instance) -> None:
        """Make ``instance`` known, or known anew; the lease is renewed until it is withdrawn."""
        key = (instance.service, instance.id)
        self._mine[key] = instance
        await self._say(key)

    async def withdraw(self, service: str, id: str) -> None:
        """Make an instance unknown, whoever announced it.

        Another process that announced it learns of this within a third of a lease.
        """
        self._mine.pop((service, id), None)
        await self._say((service, id))

    async def watch(self, service: str | None = None, told: Told | None = None) -> Watch:
        """Watch ``service``, or all. While the broker is away, waits ``patience`` at most."""
        roll = self._rolls.get(service)
        if roll is None:
            roll = self._rolls[service] = Roll()
            self._whole[service] = asyncio.Event()
            await self._follow(self._session, service)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._whole[service].wait()
        return roll.watch(told)

    # --- one session after the other ------------------------------------------------------------

    async def _keep(self, there: "asyncio.Future[None]") -> None:
        lost_at: float | None = None
        while True:
            try:
                async with Session.open(self._url, self._system, self._lease) as session:
                    await self._begin(session)
                    if not there.done():
                        there.set_result(None)
                    if lost_at is not None:
                        log.warning("the registry is back after %.1f s", monotonic() - lost_at)
                        lost_at = None
                    await self._renew(session)
            except Lost as error:
                self._why = str(error)
            except Failure as failure:
                self._why = failure.message
                if not there.done():
                    there.set_exception(failure)
            except Exception as error:
                self._why = repr(error)
                log.exception("the registry met what it does not know, and connects again")
            finally:
                self._session = None
            if there.done() and lost_at is None:
                lost_at = monotonic()
                log.warning(
                    "the registry at %s is away (%s); what was known stays known, and it is tried"
                    " again until it is back",
                    without_secrets(self._url),
                    self._why,
                )
            await asyncio.sleep(_APART)

    async def _begin(self, session: Session) -> None:
        """Say all and watch all: a broker that is back from a restart has forgotten both."""
        self._unsaid.update(self._mine)
        for roll in self._rolls.values():
            roll.doubt()
        self._session = session
        await asyncio.gather(*(self._tell(session, key) for key in list(self._unsaid)))
        await asyncio.gather(*(self._follow(session, service) for service in list(self._rolls)))
        if session.closed.is_set():
            raise Lost(session.why)

    async def _renew(self, session: Session) -> None:
        """Renew what is ours until the connection ends. Raises `Lost`."""
        loop = asyncio.get_running_loop()
        settling = loop.call_later(self._lease + _MOMENT, self._settle)
        try:
            while True:
                # A third of a lease, give or take, so that processes do not renew in step.
                pause = self._lease / 3 * random.uniform(0.9, 1.0)  # noqa: S311  # no secret
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await session.closed.wait()
                        raise Lost(session.why)
                session.check()
                await asyncio.gather(*(self._renew_one(session, key) for key in list(self._mine)))
        finally:
            settling.cancel()

    async def _renew_one(self, session: Session, key: Key) -> None:
        sequence = self._sequences.get(key)
        if sequence is None:
            return  # being announced at this moment, or withdrawn
        try:
            renewed = await session.renew(key, sequence)
        except Superseded:
            if self._sequences.get(key) == sequence:
                log.info("%s %s was announced or withdrawn by another process", *key)
                self._mine.pop(key, None)
                self._sequences.pop(key, None)
            return
        if not renewed and self._sequences.get(key) == sequence:
            await self._tell(session, key)  # say, after this machine slept

    def _settle(self) -> None:
        for roll in self._rolls.values():
            roll.settle()

    # --- what is said and heard -----------------------------------------------------------------

    async def _say(self, key: Key) -> None:
        self._unsaid.add(key)
        session = self._session
        if session is not None:
            try:
                await self._tell(session, key)
            except Lost as error:
                session.end(str(error))  # the next one says it

    async def _tell(self, session: Session, key: Key) -> None:
        instance = self._mine.get(key)
        if instance is None:
            self._sequences.pop(key, None)
            await session.withdraw(key)
        else:
            self._sequences[key] = await session.announce(instance)
        if self._mine.get(key) is instance:
            self._unsaid.discard(key)

    async def _farewell(self, session: Session, key: Key) -> None:
        self._sequences.pop(key, None)
        if await session.is_ours(key):  # or it is in other hands by now
            await session.withdraw(key)

    async def _follow(self, session: Session | None, service: str | None) -> None:
        if session is None or service in session.following:
            return
        try:
            await session.follow(service, self._listener(self._rolls[service]))
        except Lost as error:
            session.end(str(error))  # the next one follows it
        else:
            self._whole[service].set()

    def _listener(self, roll: Roll) -> Heard:
        def heard(key: Key, body: bytes | None) -> None:
            if body is None:
                roll.drop(key)
                return
            try:
                instance = msgspec.json.decode(body, type=Instance)
                if (instance.service, instance.id) != key:
                    what = f"it speaks for {instance.service} {instance.id}"
                    raise msgspec.ValidationError(what)
                roll.put(instance)
            except (msgspec.DecodeError, RecursionError) as error:
                roll.confirm(key)
                if key not in self._unreadable:
                    self._unreadable.add(key)
                    log.warning(
                        "%s %s is announced in words of another version, or of nobody's, and ignored: %s",
                        *key,
                        error,
                    )

        return heard
