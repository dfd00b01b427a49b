"""The keys of ``[service.NAME]`` for a program that knows nothing of Coterie, and joins as it is."""

import shlex
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

__all__ = ["KINDS", "PATH", "PROGRAM_KEYS", "Class", "Kind", "Mount", "ProgramSpec"]

_CLASS = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$(?!\n)"

_APPLICATION = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(\))?$(?!\n)"
PATH = r"^/([^/\s{}?#%\\]+(/[^/\s{}?#%\\]+)*)?$(?!\n)"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)"

Kind: TypeAlias = Literal["implements", "asgi", "wsgi", "command"]
"""What a service is: a class of ours, an application in Python, or any program."""

KINDS: tuple[Kind, ...] = ("implements", "asgi", "wsgi", "command")

Class = Annotated[str, Meta(title="a class, written module:Class", pattern=_CLASS)]
Application = Annotated[
    str,
    Meta(title="an application, written module:name, or module:factory()", pattern=_APPLICATION),
]
Page = Annotated[str, Meta(title="a path that begins with /", pattern=r"^/[^\s#]*$(?!\n)")]
Path = Annotated[
    str, Meta(title="a path that begins with / and ends without", pattern=PATH, examples=["/api"])
]


class Mount(Struct, frozen=True):
    """Requests for ``path`` of the gateway, and for all below it, are for a program's ``to``.

    Where the two differ, the program is told what was taken off (``X-Forwarded-Prefix``). The empty
    text is the root.
    """

    path: str
    to: str

    def public(self, path: str) -> str | None:
        """Where the gateway has the program's ``path``; ``None`` where this leads elsewhere."""
        if path != self.to and not path.startswith(f"{self.to}/"):
            return None
        return f"{self.path}{path[len(self.to) :]}" or "/"


class ProgramSpec(Struct, frozen=True, kw_only=True):
    """What a service is, and how it is joined where it is no class of ours."""

    implements: Annotated[
        Class | None,
        Meta(
            description="The class that implements the service's contracts.",
            examples=["shop.services.orders:OrderService"],
        ),
    ] = None
    asgi: Annotated[
        Application | None,
        Meta(
            description="An ASGI application (FastAPI, Starlette, Django, Litestar, ...).",
            examples=["legacy.app:app"],
        ),
    ] = None
    wsgi: Annotated[
        Application | None,
        Meta(
            description="A WSGI application (Flask, Django, Pyramid, Bottle, ...).",
            examples=["legacy.app:create_app()"],
        ),
    ] = None
    command: Annotated[
        Annotated[str, Meta(min_length=1)]
        | Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]
        | None,
        Meta(
            title="a command, as a text or as a list",
            description="Any program that listens on $PORT.",
            examples=["node server.js"],
        ),
    ] = None
    contracts: Annotated[
        tuple[Class, ...],
        Meta(
            title="a list of contracts, each written module:Class",
            description="What the program promises: for typed clients, routes and documents.",
            examples=[["shop.contracts.users:Users"]],
        ),
    ] = ()
    directory: Annotated[
        Annotated[str, Meta(title="a folder", min_length=1)] | None,
        Meta(
            description="Its working directory, first on its `sys.path`; the system's folder unless told.",
            examples=["legacy"],
        ),
    ] = None
    environment: Annotated[
        dict[Annotated[str, Meta(pattern=_VARIABLE)], str],
        Meta(
            title="a table from variable to text",
            description="Variables that it finds in its environment, beside those of `coterie up`.",
            examples=[{"DEBUG": "1"}],
        ),
    ] = {}
    ready: Annotated[
        Page | None,
        Meta(
            description="Where it answers below 400 once it is ready; without, it takes connections then.",
            examples=["/health"],
        ),
    ] = None
    port: Annotated[
        Annotated[int, Meta(title="a port, 1 to 65535", ge=1, le=65535)] | None,
        Meta(
            description="Where a command listens that cannot be told $PORT.",
            examples=[5000],
        ),
    ] = None
    threads: Annotated[
        int,
        Meta(
            title="a whole number, 1 to 1000",
            description="How many requests a WSGI application answers at a time in one process.",
            ge=1,
            le=1000,
            examples=[8],
        ),
    ] = 8
    mount: Annotated[
        str | dict[str, str] | None,  # checked by `check_keys`: no pattern may stand in a union
        Meta(
            title="a path, or a table from the gateway's paths to the program's",
            description="Where the gateway has it: this path and all below it, which the program gets without it.",
            examples=["/legacy"],
        ),
    ] = None
    routes: Annotated[
        tuple[Path, ...],
        Meta(
            title="a list of paths",
            description="Paths that the gateway passes on as they are, each with all below it.",
            examples=[["/api/users"]],
        ),
    ] = ()
    openapi: Annotated[
        Page | None,
        Meta(
            description="Where the program describes itself; the gateway's documentation shows it.",
            examples=["/openapi.json"],
        ),
    ] = None

    @property
    def kind(self) -> Kind:
        """What it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def target(self) -> str:
        """The class, the application or the command, as the file names it."""
        found = getattr(self, self.kind)
        return found if isinstance(found, str) else shlex.join(found)

    def mounts(self, name: str) -> tuple[Mount, ...]:
        """Where the gateway has the program called ``name``, besides what its contracts promise."""
        if self.mount is None and not self.routes:
            return () if self.contracts else (Mount(f"/{name}", ""),)
        given = {self.mount: "/"} if isinstance(self.mount, str) else self.mount or {}
        pairs = [*given.items(), *((route, route) for route in self.routes)]
        return tuple(Mount(path.rstrip("/"), to.rstrip("/")) for path, to in pairs)

    @property
    def words(self) -> tuple[str, ...]:
        """The command, word by word. Raises `ValueError` for a quotation that does not end."""
        if isinstance(self.command, str):
            return tuple(shlex.split(self.command))
        return self.command or ()


PROGRAM_KEYS = tuple(name for name in ProgramSpec.__struct_fields__ if name not in KINDS)
"""The keys that only programs have."""
