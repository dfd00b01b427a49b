"""Session: one connection to NATS, and what the registry says and hears over it.

Nothing here outlives the connection: whoever loses it makes a new one, and says everything
again. So there is one path for the first time and for every time after, and no watch that
believes itself alive after its broker has forgotten it.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping
from time import monotonic
from urllib.parse import quote, unquote, urlsplit

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    Header,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, NotFoundError

from coterie.call import Failure
from coterie.contract import Code

from .port import Instance
from .roll import Key

__all__ = ["Heard", "Lost", "Session", "Superseded", "without_secrets"]

log = logging.getLogger("coterie.registry")

Heard = Callable[[Key, bytes | None], None]
"""Takes what the broker holds for an instance: its announcement, or ``None`` for withdrawn."""

_ANSWER = 2
"""Seconds the broker may take to answer; a longer silence counts as lost."""
_WITHDRAWN = 60
"""Seconds a withdrawal is kept, for those who were away when it was said."""
_SEQUENCE = 10071  # the server's code for "wrong last sequence"
_NOT_YET = frozenset({10008, 10009})  # JetStream of a cluster is being elected
_OF = "Nats-Expected-Last-Subject-Sequence-Subject"
_BY = "Coterie-By"


class Lost(Exception):
    """This connection is of no more use; the message says why."""


class Superseded(Exception):
    """Somebody else announced or withdrew the instance since."""


class Session:
    """A connection with the registry's stream behind it.

    The stream lies in memory, one message a subject: ``at.SERVICE.ID`` is the announcement. Its
    lease is a dead man's switch, ``lease.SERVICE.ID``: a message that the broker itself
    (nats-server 2.12 or later) will publish one lease from now, and which withdraws the instance.
    To renew is to put it off, so watchers, who listen to ``at`` alone, hear of changes only.
    """

    def __init__(self, system: str, lease: float) -> None:
        self.closed = asyncio.Event()
        """Set when this connection is of no more use."""
        self.why = ""
        self.following: set[str | None] = set()
        self._client = Client()
        self._stream = self._client.jetstream(timeout=_ANSWER)
        self._name = f"{_token(system)}_registry"
        self._prefix = f"{_token(system)}.registry"
        self._lease = max(1, round(lease))
        self._beat = max(1.0, lease / 2)
        self._me = secrets.token_hex(8)
        self._asked: set[asyncio.Timeout] = set()
        self._heard: dict[str, float] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, url: str, system: str, lease: float) -> AsyncGenerator["Session"]:
        """Connect, and make the stream where it is missing.

        Raises `Lost` where there is no broker, `Failure` where it is none that can do this.
        """
        session = cls(system, lease)
        told: list[str] = []

        async def on_error(error: Exception) -> None:
            told.append(_words(error))

        async def on_closed() -> None:
            session.end(told[-1] if told else "the connection was closed")

        client = session._client
        try:
            await client.connect(
                url.split(","),
                name=f"{system} registry",
                allow_reconnect=False,  # a new session does it, from the beginning
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=_ANSWER,
                ping_interval=max(1, round(lease)),
                error_cb=on_error,
                closed_cb=on_closed,
            )
            await session._make_stream()
            yield session
        except (Error, OSError, TimeoutError) as error:
            raise Lost(told[-1] if told else _words(error)) from error
        finally:
            session.end("this side is done with it")
            with contextlib.suppress(Error, OSError, TimeoutError):
                await client.close()

    def end(self, why: str) -> None:
        """Use this connection no more; who waits for an answer is `Lost`."""
        if self.closed.is_set():
            return
        self.why = why
        self.closed.set()
        for scope in self._asked:  # nats-py would leave them waiting
            if not scope.expired():
                scope.reschedule(0)

    async def announce(self, instance: Instance) -> int:
        """Say where an instance is, for one lease; returns what `renew` wants to be told."""
        key = (instance.service, instance.id)
        body = msgspec.json.encode(instance)
        _, sequence = await asyncio.gather(
            self._put_off(key), self._say(self._subject("at", key), body, {_BY: self._me})
        )
        return sequence

    async def renew(self, key: Key, sequence: int) -> bool:
        """Put off the end of a lease by one lease; ``sequence`` is what `announce` returned.

        False where the lease had run out: it must be announced again. Raises `Superseded` where
        it is not ours any more.
        """
        # The broker looks whether the announcement is still the last word on the instance. (The
        # switch itself would not tell: it stays for a moment after it was released.)
        last = {Header.EXPECTED_LAST_SUBJECT_SEQUENCE: str(sequence), _OF: self._subject("at", key)}
        try:
            await self._put_off(key, last)
        except Superseded:
            if await self.is_ours(key):
                return False
            raise
        return True

    async def withdraw(self, key: Key) -> None:
        """Say that an instance is gone, whoever announced it."""
        headers = {_BY: self._me, Header.MSG_TTL: f"{_WITHDRAWN}s"}
        await self._say(self._subject("at", key), b"", headers)
        async with self._answered():
            await self._stream.purge_stream(self._name, subject=self._subject("lease", key))

    async def is_ours(self, key: Key) -> bool:
        """Whether nobody spoke of the instance since we did: then the lease ran out unheard."""
        try:
            async with self._answered(NotFoundError):
                last = await self._stream.get_last_msg(
                    self._name, self._subject("at", key), direct=True
                )
        except NotFoundError:
            return True
        headers = last.headers or {}
        return bool(last.data) if headers.get(_BY) == self._me else _BY not in headers

    async def follow(self, service: str | None, heard: Heard) -> None:
        """Hear what there is of a service, or of all, and from then on what changes.

        Returns when ``heard`` has been told all there was.
        """
        self.following.add(service)
        whole = asyncio.Event()
        inbox = self._client.new_inbox()

        async def on_message(message: Msg) -> None:
            self._heard[inbox] = monotonic()
            if not message.reply.startswith("$JS.ACK."):
                return  # a heartbeat
            *_, name, id_ = message.subject.split(".")
            heard((unquote(name), unquote(id_)), message.data or None)
            if not message.metadata.num_pending:
                whole.set()

        subject = f"{self._prefix}.at.{_token(service) if service else '*'}.*"
        config = ConsumerConfig(
            deliver_subject=inbox,
            deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
            ack_policy=AckPolicy.NONE,
            filter_subject=subject,
            idle_heartbeat=self._beat,
            mem_storage=True,
            num_replicas=1,
        )
        async with self._answered():
            await self._client.subscribe(inbox, cb=on_message)
            self._heard[inbox] = monotonic()
            made = await self._stream.add_consumer(self._name, config)
            sent = made.delivered.consumer_seq if made.delivered else 0
            if not (made.num_pending or sent):
                whole.set()
            await whole.wait()

    def check(self) -> None:
        """Raise `Lost` where a consumer has fallen silent: the broker may have dropped it."""
        if any(monotonic() - at > 3 * self._beat for at in self._heard.values()):
            raise Lost("a watch heard nothing for too long")

    async def _make_stream(self) -> None:
        config = StreamConfig(
            name=self._name,
            description="Live instances of services; made anew by its users when it is lost",
            subjects=[f"{self._prefix}.>"],
            storage=StorageType.MEMORY,  # a lease is worth no fsync
            retention=RetentionPolicy.LIMITS,
            max_msgs_per_subject=1,
            max_age=0,
            num_replicas=1,
            allow_direct=True,
            allow_msg_ttl=True,
            allow_msg_schedules=True,
        )
        try:
            async with self._answered(Error):
                made = await self._stream.add_stream(config)
        except (NoRespondersError, APIError) as error:
            if isinstance(error, APIError) and error.err_code in _NOT_YET:
                raise Lost(_words(error)) from error
            raise Failure(
                Code.FAILED_PRECONDITION,
                f"the registry needs JetStream of nats-server 2.12 or later: {_words(error)}; start"
                " it with `-js`, or take another broker",
            ) from error
        if not made.config.allow_msg_schedules:
            version = self._client.connected_server_version
            raise Failure(
                Code.FAILED_PRECONDITION,
                f"the registry needs nats-server 2.12 or later, this is {version}; update it",
            )

    async def _put_off(self, key: Key, expected: Mapping[str, str] | None = None) -> int:
        headers = {
            # An interval, not a moment: the clocks of two machines need not agree. The message
            # ends before the second interval does, so it is published once.
            Header.SCHEDULE: f"@every {self._lease}s",
            Header.MSG_TTL: f"{self._lease + 1}s",
            Header.SCHEDULE_TARGET: self._subject("at", key),
            Header.SCHEDULE_TTL: f"{_WITHDRAWN}s",
            **(expected or {}),
        }
        return await self._say(self._subject("lease", key), b"", headers)

    async def _say(self, subject: str, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            async with self._answered(APIError):
                said = await self._stream.publish(subject, body, _ANSWER, headers=dict(headers))
        except APIError as error:
            if error.err_code == _SEQUENCE:
                raise Superseded from error
            raise Lost(f"the broker refused it: {_words(error)}") from error
        return int(said.seq)

    @contextlib.asynccontextmanager
    async def _answered(self, *passed: type[Exception]) -> AsyncGenerator[None]:
        """Until the broker's answer is there. What went wrong is `Lost`, except for ``passed``."""
        if self.closed.is_set():
            raise Lost(self.why)
        try:
            async with asyncio.timeout(_ANSWER) as scope:
                self._asked.add(scope)
                try:
                    yield
                finally:
                    self._asked.discard(scope)
        except passed:
            raise
        except (Error, OSError, TimeoutError) as error:
            raise Lost(self.why if self.closed.is_set() else _words(error)) from error

    def _subject(self, kind: str, key: Key) -> str:
        return f"{self._prefix}.{kind}.{_token(key[0])}.{_token(key[1])}"


def without_secrets(url: str) -> str:
    """``url``, or several with commas between, without user names and passwords."""
    parts = [urlsplit(each if "//" in each else f"nats://{each}") for each in url.split(",")]
    return ",".join(f"{p.scheme}://{p.netloc.rpartition('@')[2]}" for p in parts)


def _token(text: str) -> str:
    # What NATS reads between two dots of a subject: no dot, space, * or >.
    return quote(text, safe="").replace(".", "%2E")


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error).removeprefix("nats: ") or type(error).__name__
