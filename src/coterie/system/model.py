"""The frozen model of a system: what ``coterie.toml`` says, once it is read and found right.

Every field of a table is a key of ``coterie.toml``; its ``Meta`` says in words what the key takes
(``title``), what it does (``description``) and how it may look (``examples``). Messages and
documentation are made from these.
"""

import re
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Self

from msgspec import Meta, Struct, structs

from .places import Places

__all__ = [
    "TABLES",
    "EnginesSpec",
    "GatewaySpec",
    "IdentitySpec",
    "PolicySpec",
    "ServiceSpec",
    "Size",
    "System",
    "SystemSpec",
]

# A DNS label (RFC 1123, 2.1): the same name serves as file, host and container name everywhere.
# Python's `$` lets a line feed at the end through; what follows it here does not.
_LABEL = r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$(?!\n)"
_CLASS = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$(?!\n)"
_SIZE = re.compile(r"(\d{1,12}) ?(B|KiB|MiB|GiB)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_RELATIVE = re.compile(r"(sqlite(?:\+\w+)?:///)(?=[^/:?])")

Label = Annotated[
    str,
    Meta(
        title="lowercase letters, digits and hyphens, 63 at most, a letter first",
        pattern=_LABEL,
        examples=["shop"],
    ),
]
Text = Annotated[str, Meta(title="a text", min_length=1, examples=["the shop team"])]
Version = Annotated[str, Meta(title="a version", min_length=1, examples=["1.0"])]
Url = Annotated[str, Meta(title="the URL of a database", min_length=1)]
Folder = Annotated[str, Meta(title="a folder", min_length=1)]


class Size(int):
    """A number of bytes, written as a number or with a binary unit (IEC 80000-13): ``1MiB``."""

    __slots__ = ()

    @classmethod
    def parse(cls, written: object) -> Self:
        """Raises `ValueError` for anything but a number above zero, alone or with a unit."""
        found = _SIZE.fullmatch(str(written)) if type(written) in (int, str) else None
        if found is None or int(found[1]) == 0:
            raise ValueError('a number of bytes above zero, such as 1048576 or "1MiB"')
        return cls(int(found[1]) * _UNITS[(found[2] or "").lower()])


class SystemSpec(Struct, frozen=True, kw_only=True):
    """``[system]``: what it is called."""

    name: Annotated[Label, Meta(description="Name of the whole system.")]
    version: Annotated[Version | None, Meta(description="Version of the whole system.")] = None
    owner: Annotated[Text | None, Meta(description="Who answers for it.")] = None


class ServiceSpec(Struct, frozen=True, kw_only=True):
    """``[service.NAME]``: one service."""

    name: Label
    implements: Annotated[
        str,
        Meta(
            title="a class, written module:Class",
            description="The class that implements the service's contracts.",
            pattern=_CLASS,
            examples=["shop.services.orders:OrderService"],
        ),
    ]
    owner: Annotated[Text | None, Meta(description="Who answers for it.")] = None
    replicas: Annotated[
        int,
        Meta(
            title="a whole number, 1 to 1000",
            description="How many instances run where services are processes of their own.",
            ge=1,
            le=1000,
            examples=[2],
        ),
    ] = 1
    public: Annotated[
        bool,
        Meta(
            title="true or false",
            description="Whether the gateway has routes to it.",
            examples=[False],
        ),
    ] = True
    uses: Annotated[
        dict[str, str],
        Meta(
            title="a table from contract to service",
            description="Which service is meant where several implement one contract.",
            examples=[{"Payments": "payments-eu"}],
        ),
    ] = {}
    settings: Annotated[
        dict[str, Any],
        Meta(
            title="a table",
            description="Values for the structs that the service's constructors ask for.",
            examples=[{"page_size": 20}],
        ),
    ] = {}
    database: Annotated[
        Url | None,
        Meta(
            description="The database of this service alone.",
            examples=["sqlite:///orders.db"],
        ),
    ] = None
    migrations: Annotated[
        Folder | None,
        Meta(
            description="Its migrations; `migrations` beside its module unless it says so.",
            examples=["shop/services/orders/migrations"],
        ),
    ] = None

    def __repr__(self) -> str:
        # Settings and the database's URL may hold secrets; a model may end up in a log.
        return f"<service {self.name}: {self.implements}>"


class GatewaySpec(Struct, frozen=True, kw_only=True):
    """``[gateway]``: the way in."""

    host: Annotated[
        str,
        Meta(
            title="an address",
            description="The address to listen on; 0.0.0.0 is every one.",
            min_length=1,
            examples=["127.0.0.1"],
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(
            title="a port, 0 to 65535",
            description="The port to listen on; 0 takes any free one.",
            ge=0,
            le=65535,
            examples=[8080],
        ),
    ] = 8080
    cors: Annotated[
        tuple[
            Annotated[str, Meta(pattern=r"^(\*|[a-z][a-z0-9+.-]*://[^/\s*?#@]+)$(?!\n)")],
            ...,
        ],
        Meta(
            title='a list of origins (scheme and host, nothing after), or ["*"]',
            description="Origins whose pages may call the gateway.",
            examples=[["https://shop.example.org"]],
        ),
    ] = ()
    docs: Annotated[
        bool,
        Meta(
            title="true or false",
            description="Whether /docs and /openapi.json are served.",
            examples=[False],
        ),
    ] = True


class EnginesSpec(Struct, frozen=True, kw_only=True):
    """``[engines]``: the real things behind the ports."""

    database: Annotated[
        str,
        Meta(
            title="the URL of a database; {state} and {service} are filled in",
            description="The database of each service that names none itself.",
            min_length=1,
            examples=["sqlite:///{state}/{service}.db"],
        ),
    ] = "sqlite:///{state}/{service}.db"
    state: Annotated[
        str,
        Meta(
            title="a folder",
            description="Where data and keys are kept; relative to the system's folder.",
            min_length=1,
            examples=[".coterie"],
        ),
    ] = ".coterie"

    def __repr__(self) -> str:
        return f"<engines: database {self.database.partition(':')[0]}>"


class IdentitySpec(Struct, frozen=True, kw_only=True):
    """``[identity]``: whose tokens are believed. The table alone switches identity on."""

    issuer: Annotated[
        str,
        Meta(
            title="a text",
            description="Who issues access tokens (`iss`); the system's name unless it says so.",
            examples=["https://id.example.org"],
        ),
    ] = ""
    audience: Annotated[
        str,
        Meta(
            title="a text",
            description="Whom tokens are for (`aud`); the system's name unless it says so.",
            examples=["shop"],
        ),
    ] = ""
    lifetime: Annotated[
        int,
        Meta(
            title="whole seconds, 1 to 86400",
            description="How long an access token holds, in seconds.",
            ge=1,
            le=86400,
            examples=[900],
        ),
    ] = 900


class PolicySpec(Struct, frozen=True, kw_only=True):
    """``[policy]``: rules kept here, enforced everywhere."""

    timeout: Annotated[
        float,
        Meta(
            title="seconds, above 0, 86400 at most",
            description="How long a call may take where neither it nor its caller says, in seconds.",
            gt=0,
            le=86400,
            examples=[30.0],
        ),
    ] = 30.0
    body_limit: Annotated[
        Size,
        Meta(
            title='a size, such as 1048576 or "1MiB"',
            description="The largest body of a request.",
            examples=["1MiB"],
        ),
    ] = Size(2**20)


TABLES: dict[str, type[Struct]] = {
    "system": SystemSpec,
    "service": ServiceSpec,
    "gateway": GatewaySpec,
    "engines": EnginesSpec,
    "identity": IdentitySpec,
    "policy": PolicySpec,
}
"""The tables of ``coterie.toml``; ``service`` stands for each ``[service.NAME]``."""


class System(Struct, frozen=True, kw_only=True):
    """A whole system: services, gateway, engines and policies that run together.

    ``folder`` is absolute and goes on ``sys.path``; ``state`` is the absolute folder of what must
    survive a restart; ``profile`` the one that was chosen; ``database_url`` what the environment
    says. ``places`` tells lines for messages.
    """

    name: str
    folder: Path
    state: Path
    services: tuple[ServiceSpec, ...]
    version: str | None = None
    owner: str | None = None
    gateway: GatewaySpec = GatewaySpec()
    engines: EnginesSpec = EnginesSpec()
    identity: IdentitySpec | None = None
    policy: PolicySpec = PolicySpec()
    profile: str | None = None
    database_url: str | None = None
    places: Places = Places(Path("coterie.toml"), MappingProxyType({}))

    def service(self, name: str) -> ServiceSpec:
        """The service called ``name``. Raises `LookupError`, naming those there are."""
        for service in self.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self.services)
        raise LookupError(f"{self.name} has no service {name!r}; it has {known}")

    def database(self, service: ServiceSpec) -> str:
        """The URL of the database of ``service``, with its folders absolute.

        The service's own counts first, then ``DATABASE_URL``, then ``[engines]``. Three slashes
        begin a path relative to the system's folder, four an absolute one.
        """
        url = service.database or self.database_url or self.engines.database
        url = url.replace("{state}", str(self.state)).replace("{service}", service.name)
        relative = _RELATIVE.match(url)
        return url if relative is None else f"{relative[0]}{self.folder}/{url[relative.end() :]}"

    def listening(self, *, host: str | None = None, port: int | None = None) -> Self:
        """This system with its gateway at another address."""
        gateway = structs.replace(
            self.gateway,
            host=self.gateway.host if host is None else host,
            port=self.gateway.port if port is None else port,
        )
        return structs.replace(self, gateway=gateway)

    def __repr__(self) -> str:
        return f"<system {self.name}: {', '.join(s.name for s in self.services)}>"
