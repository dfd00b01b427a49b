"""The tables of ``coterie.toml`` and their keys, as frozen structs.

Every field of a table is a key of ``coterie.toml``; its ``Meta`` says in words what the key takes
(``title``), what it does (``description``) and how it may look (``examples``). Messages and
documentation are made from these.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from .policy_specs import OperationSpec, PolicySpec, ServicePolicySpec
from .program_specs import Class, ProgramSpec

__all__ = [
    "TABLES",
    "Certificate",
    "ChaosSpec",
    "ConsoleSpec",
    "EnginesSpec",
    "GatewaySpec",
    "IdentitySpec",
    "Label",
    "ProcessSpec",
    "Replicas",
    "ServiceSpec",
    "SystemSpec",
]

# A DNS label (RFC 1123, 2.1): the same name serves as file, host and container name everywhere.
# Python's `$` lets a line feed at the end through; what follows it here does not.
_LABEL = r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$(?!\n)"

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


class Replicas(Struct, frozen=True, forbid_unknown_fields=True):
    """As many instances as the load asks for: from ``min`` to ``max``.

    ``target_in_flight`` is the number of calls that one instance should have to answer at a time.
    """

    min: Annotated[int, Meta(ge=1, le=1000)] = 1
    max: Annotated[int, Meta(ge=1, le=1000)] = 4
    target_in_flight: Annotated[float, Meta(gt=0)] = 8

    def __post_init__(self) -> None:
        if self.min > self.max:
            raise ValueError("min is above max")


Count = Annotated[
    Annotated[int, Meta(ge=1, le=1000)] | Replicas,
    Meta(
        title="a whole number, 1 to 1000, or a table of min, max and target_in_flight",
        description="How many instances run where services are processes of their own.",
        examples=[2],
    ),
]


class SystemSpec(Struct, frozen=True, kw_only=True):
    """``[system]``: what it is called."""

    name: Annotated[Label, Meta(description="Name of the whole system.")]
    version: Annotated[Version | None, Meta(description="Version of the whole system.")] = None
    owner: Annotated[Text | None, Meta(description="Who answers for it.")] = None


class ServiceSpec(ProgramSpec, frozen=True, kw_only=True):
    """``[service.NAME]``: one service: a class, or a program that joins as it is."""

    name: Label
    owner: Annotated[Text | None, Meta(description="Who answers for it.")] = None
    replicas: Count = 1
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
    ] = field(default_factory=dict)
    settings: Annotated[
        dict[str, Any],
        Meta(
            title="a table",
            description="Values for the structs that the service's constructors ask for.",
            examples=[{"page_size": 20}],
        ),
    ] = field(default_factory=dict)
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
    policy: Annotated[
        ServicePolicySpec,
        Meta(
            title="a table of rules",
            description="Rules for all its operations; see `[service.NAME.policy]`.",
            examples=[{"timeout": 5.0}],
        ),
    ] = ServicePolicySpec()
    operation: Annotated[
        dict[str, OperationSpec],
        Meta(
            title="a table from operation to rules",
            description="Rules for one operation; see `[service.NAME.operation.OPERATION]`.",
            examples=[{"place": {"timeout": 5.0}}],
        ),
    ] = field(default_factory=dict)

    def __repr__(self) -> str:
        # Settings and the database's URL may hold secrets; a model may end up in a log.
        return f"<service {self.name}: {self.target}>"


class ProcessSpec(Struct, frozen=True, kw_only=True):
    """``[process.NAME]``: services that share a process, and how many of it run."""

    name: Label
    together: Annotated[
        tuple[Label, ...],
        Meta(
            title="a list of services",
            description="The services that run together in one process.",
            min_length=1,
            examples=[["users", "orders"]],
        ),
    ]
    replicas: Count = 1


class Certificate(Struct, frozen=True, forbid_unknown_fields=True):
    """Files in PEM form: the certificate with its chain, and its private key."""

    certificate: str
    key: str


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
    engine: Annotated[
        Literal["auto", "envoy", "inprocess"],
        Meta(
            title='"auto", "envoy" or "inprocess"',
            description="What answers: Envoy, or a process of Coterie where Envoy is missing.",
            examples=["envoy"],
        ),
    ] = "auto"
    tls: Annotated[
        Literal["self-signed"] | Certificate | None,
        Meta(
            title='"self-signed", or a table of certificate and key (files)',
            description="Whether the gateway speaks TLS, and with which certificate.",
            examples=["self-signed"],
        ),
    ] = None


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
    registry: Annotated[
        str,
        Meta(
            title="the URL of a NATS server, or nats+embedded://",
            description="Where instances are announced and found.",
            pattern=r"^(nats\+embedded|nats|tls)://",
            examples=["nats+embedded://"],
        ),
    ] = "nats+embedded://"
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


class ConsoleSpec(Struct, frozen=True, kw_only=True):
    """``[console]``: the page that shows the running system."""

    port: Annotated[
        int,
        Meta(
            title="a port, 0 to 65535",
            description="The port of the console on this machine; 0 takes a free one, and keeps it.",
            ge=0,
            le=65535,
            examples=[8081],
        ),
    ] = 0


class ChaosSpec(Struct, frozen=True, kw_only=True):
    """``[chaos]``: who uses the system while `coterie chaos` harms it, and judges it afterwards."""

    workload: Annotated[
        Class,
        Meta(
            description="The class that makes attempts, and audits what became of them.",
            examples=["shop.chaos:Buyers"],
        ),
    ]
    profile: Annotated[
        Text | None,
        Meta(
            title="the name of a profile",
            description="The profile that such a run takes unless it is told another.",
            examples=["test"],
        ),
    ] = None
    parallel: Annotated[
        int,
        Meta(
            title="a whole number, 1 to 1000",
            description="How many attempts are under way at a time.",
            ge=1,
            le=1000,
            examples=[8],
        ),
    ] = 8
    weights: Annotated[
        dict[
            Literal["kill", "pause", "delay", "failure", "abort", "drop", "slow"],
            Annotated[float, Meta(ge=0)],
        ],
        Meta(
            title="a table from kind of fault to a number from 0",
            description="How often each kind of fault is chosen, compared with the others.",
            examples=[{"kill": 5, "drop": 0}],
        ),
    ] = field(default_factory=dict)


TABLES: dict[str, type[Struct]] = {
    "system": SystemSpec,
    "service": ServiceSpec,
    "process": ProcessSpec,
    "gateway": GatewaySpec,
    "console": ConsoleSpec,
    "engines": EnginesSpec,
    "identity": IdentitySpec,
    "policy": PolicySpec,
    "chaos": ChaosSpec,
}
"""The tables of ``coterie.toml``; ``service`` stands for each ``[service.NAME]``, ``process``
likewise."""
