"""A service that does as the test tells it, and the server in front of it."""

import asyncio
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

from coterie.call import Call, Context, Trace, current
from coterie.contract import (
    Code,
    Contract,
    Cookie,
    Fault,
    Header,
    Meta,
    Redirect,
    Rule,
    Struct,
    Text,
    Upload,
    call,
    describe,
    get,
    post,
    put,
)
from coterie.policy import Priority, Shedding
from coterie.server import AccessLog, App, Cors, Host, HttpServer
from tests.server.talk import Answer, Talk, request, soon, until

__all__ = [
    "Answer",
    "Lab",
    "LabService",
    "Missing",
    "Note",
    "Site",
    "Talk",
    "a_call",
    "made",
    "request",
    "site_of",
    "soon",
    "until",
]


_SHEDDING = Shedding()


class Note(Struct):
    text: Annotated[str, Meta(max_length=100)]
    tags: list[str] = []  # noqa: RUF012  # msgspec copies it


class Kept(Struct):
    id: int
    location: Annotated[str, Header("Location")]
    remark: Annotated[str | None, Header("X-Remark")] = None


class Seen(Struct):
    """The circumstances a method found itself in."""

    trace_id: str
    span_id: str
    remaining: float | None
    token: str | None
    key: str | None
    baggage: dict[str, str]


class Given(Struct):
    many: list[str]
    biscuits: list[str]


class Missing(Fault, code=Code.NOT_FOUND):
    """There is no note {id}."""

    id: int


class Undeclared(Fault, code=Code.ABORTED):
    """The secret is {secret}."""

    secret: str


class Lab(Contract, version="1.0"):
    """Where requests are tried out."""

    @get("/notes/{id}", faults=[Missing], etag=True)
    async def note(self, id: int) -> Note: ...

    @put("/notes/{id}", faults=[Missing], if_match="note")
    async def change(self, id: int, note: Note) -> Note: ...

    @post("/notes", status=201)
    async def keep(self, note: Note) -> Kept: ...

    @get("/text")
    async def text(self) -> Text: ...

    @get("/elsewhere")
    async def elsewhere(self) -> Redirect: ...

    @get("/seen")
    async def seen(self) -> Seen: ...

    @get("/given")
    async def given(
        self,
        many: Annotated[list[str], Header("X-Many")] = [],  # noqa: B006  # read, never changed
        biscuit: Annotated[str, Cookie()] = "",
        crumb: Annotated[str, Cookie()] = "",
    ) -> Given: ...

    @get("/fails")
    async def fails(self, how: str) -> str: ...

    @get("/waits")
    async def waits(self) -> str: ...

    @post("/form")
    async def form(self, file: Upload) -> int: ...

    @post("/upload")
    async def upload(self, data: AsyncIterator[bytes]) -> int: ...

    @get("/download")
    async def download(self, how: str = "three") -> AsyncIterator[bytes]: ...

    @post("/echo")
    async def echo(self, data: AsyncIterator[bytes]) -> AsyncIterator[bytes]: ...

    @call()
    async def inner(self, number: int) -> int: ...


class LabService(Lab):
    """Does as it is told, and remembers."""

    def __init__(self) -> None:
        self.notes = {1: Note("one", ["first"])}
        self.calls: list[str] = []
        self.location = "/notes/2"
        self.remark: str | None = None
        self.waiting = 0
        self.go = asyncio.Event()
        self.received = 0
        self.produced = 0
        self.opened = 0
        self.closed = 0

    async def note(self, id: int) -> Note:
        self.calls.append("note")
        if id not in self.notes:
            raise Missing(id)
        return self.notes[id]

    async def change(self, id: int, note: Note) -> Note:
        self.calls.append("change")
        if id not in self.notes:
            raise Missing(id)
        self.notes[id] = note
        return note

    async def keep(self, note: Note) -> Kept:
        self.calls.append("keep")
        self.notes[2] = note
        return Kept(2, self.location, self.remark)

    async def text(self) -> Text:
        return "plain words"

    async def elsewhere(self) -> Redirect:
        return Redirect(self.location)

    async def seen(self) -> Seen:
        context = current()
        return Seen(
            context.trace.trace_id,
            context.trace.span_id,
            context.remaining,
            context.token,
            context.idempotency_key,
            dict(context.baggage),
        )

    async def given(
        self,
        many: list[str] = [],  # noqa: B006  # read, never changed
        biscuit: str = "",
        crumb: str = "",
    ) -> Given:
        return Given(many, [biscuit, crumb])

    async def fails(self, how: str) -> str:
        if how == "undeclared":
            raise Undeclared("hunter2")
        if how == "unencodable":
            return object()  # type: ignore[return-value]  # pyright: ignore[reportReturnType]
        raise RuntimeError("the password is hunter2")

    async def waits(self) -> str:
        self.waiting += 1
        await self.go.wait()
        return "done"

    async def form(self, file: Upload) -> int:
        return len(file.data)

    async def upload(self, data: AsyncIterator[bytes]) -> int:
        self.calls.append("upload")
        async for chunk in data:
            self.received += len(chunk)
            if not self.go.is_set() and self.received > 100_000:
                self.waiting += 1
                await self.go.wait()
        return self.received

    async def download(self, how: str = "three") -> AsyncIterator[bytes]:
        return self._parts(how)

    async def _parts(self, how: str) -> AsyncGenerator[bytes]:
        self.opened += 1
        try:
            if how == "context":
                yield current().trace.trace_id.encode()
                return
            yield b"one,"
            yield b""
            if how == "breaks":
                raise RuntimeError("the password is hunter2")
            if how == "stalls":
                await self.go.wait()
            while how == "endless":
                self.produced += 65536
                yield bytes(65536)
            yield b"two,"
            yield b"three"
        finally:
            self.closed += 1

    async def echo(self, data: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        return self._echo(data)

    async def _echo(self, data: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        self.opened += 1
        try:
            async for chunk in data:
                yield chunk
        finally:
            self.closed += 1

    async def inner(self, number: int) -> int:
        return number


def a_call(name: str, context: Context | None = None, /, **arguments: Any) -> Call:
    """A call of the lab, as one in the same process makes it."""
    return Call(describe(Lab).operation(name), arguments, context or Context(Trace.root()))


class Site:
    """A lab behind a real server."""

    def __init__(self, lab: LabService, app: App, server: HttpServer, lines: io.StringIO) -> None:
        self.lab = lab
        self.app = app
        self.host = app.hosts[0]
        self.server = server
        self.lines = lines

    @property
    def url(self) -> str:
        return self.server.url

    async def talk(self) -> Talk:
        """A new connection."""
        return Talk(*await asyncio.open_connection("127.0.0.1", self.server.port))

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        chunks: list[bytes] | None = None,
    ) -> Answer:
        """One request on a connection of its own; JSON unless it says otherwise."""
        sent = {"content-type": "application/json"} if body or chunks else {}
        async with await self.talk() as talk:
            talk.say(request(method, target, body, {**sent, **(headers or {})}, chunks=chunks))
            return await talk.answer(of=method)

    async def alive(self) -> bool:
        """Whether a new visitor is served."""
        return (await self.ask("GET", "/health/live")).status == 200


@asynccontextmanager
async def site_of(
    lab: LabService | None = None,
    *,
    public: bool = False,
    cors: Cors | None = None,
    body_limit: int = 10_000,
    json_lines: bool = False,
    log_delay: float = 0,
    patience: float = 10.0,
    host: Host | None = None,
    shed: Shedding | None = _SHEDDING,
    priorities: Mapping[str, Priority] | None = None,
    rule: Rule | None = None,
) -> AsyncGenerator[Site]:
    """A lab, hosted and served on a free port for the length of the block."""
    lab = lab or LabService()
    host = host or Host(lab)
    lines = io.StringIO()
    access = AccessLog(lines, json=json_lines, delay=log_delay)
    app = App(
        [host],
        public=public,
        cors=cors,
        body_limit=body_limit,
        access=access,
        shed=shed,
        priorities=priorities or {},
        rule=rule,
    )
    server = HttpServer(app, patience=patience)
    await host.start()
    await server.start()
    try:
        yield Site(lab, app, server, lines)
    finally:
        lab.go.set()
        await server.stop()
        await host.stop(drain=1)


def made(text: str = "a note") -> bytes:
    """A note as JSON."""
    return json.dumps({"text": text}).encode()
