"""The tables of ``coterie.toml`` that protect calls: of the system, a service, an operation.

A key that a table leaves out is ``None``: then a table further out counts, and last the default.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from coterie.policy import Breaking, Bulk, Caching, Hedge, Keeping, Retry, Shedding
from coterie.registry import Balance

from .size import Size

__all__ = ["SETTINGS", "OperationSpec", "PolicySpec", "Said", "ServicePolicySpec"]

Said: TypeAlias = bool | dict[str, Any] | None
"""What a table says of one policy: on or off, or some of its values; ``None``: nothing."""

SETTINGS: Mapping[str, type[Struct]] = {
    "retry": Retry,
    "breaker": Breaking,
    "bulkhead": Bulk,
    "shed": Shedding,
    "idempotency": Keeping,
    "hedge": Hedge,
    "cache": Caching,
}
"""The keys that take a table, and what may stand in it."""

_SECONDS = "seconds, above 0, 86400 at most"

Timeout = Annotated[float, Meta(title=_SECONDS, gt=0, le=86400, examples=[5.0])]
On = Annotated[
    bool | dict[str, Any],
    Meta(title="true, false, or a table of its values"),
]
Keys = Annotated[
    bool | Literal["accepted", "required", "off"] | dict[str, Any],
    Meta(
        title='"accepted", "required", "off", or a table of mode and keep',
        description=(
            "Whether operations that are not idempotent take an idempotency key, and for how long"
            " their answers are kept. Accepted where a service has a database."
        ),
        examples=["required"],
    ),
]
Retrying = Annotated[
    On,
    Meta(
        description="How often a call is made anew. On.",
        examples=[{"attempts": 3, "base": 0.05}],
    ),
]
Hedging = Annotated[
    On,
    Meta(
        description="When a call that only reads is made a second time. Off.",
        examples=[{"after": 0.1}],
    ),
]
Cached = Annotated[
    On,
    Meta(
        description="Whether callers keep answers of calls that only read. Off.",
        examples=[{"entries": 1000}],
    ),
]
Coalesced = Annotated[
    bool,
    Meta(
        title="true or false",
        description="Whether equal calls that only read, under way at a time, are one call. Off.",
        examples=[True],
    ),
]
Keyed = Annotated[
    bool,
    Meta(
        title="true or false",
        description=(
            "Whether callers give each call of an operation that is not idempotent a key of its"
            " own, so that it can be retried. Where keys are required they do."
        ),
        examples=[True],
    ),
]
Priority = Annotated[
    Literal["high", "normal", "low"],
    Meta(
        title='"high", "normal" or "low"',
        description="Who is refused last where there is too much to do.",
        examples=["high"],
    ),
]


Balanced = Annotated[
    Balance,
    Meta(
        title='"two-choices", "round-robin", or a table of hash (a parameter)',
        description='Which instance takes the next call. By default "two-choices".',
        examples=["round-robin"],
    ),
]


class _Everywhere(Struct, frozen=True, kw_only=True):
    """What can be said of one operation, and for many at once."""

    retry: Retrying | None = None
    idempotency: Keys | None = None
    keyed: Keyed | None = None
    balance: Balanced | None = None
    hedge: Hedging | None = None
    coalesce: Coalesced | None = None


class _Shared(_Everywhere, frozen=True, kw_only=True):
    """What all operations of a service share."""

    cache: Cached | None = None
    breaker: Annotated[
        On | None,
        Meta(
            description="When an instance that fails is left alone for a while. On.",
            examples=[{"failures": 0.5, "calls": 10}],
        ),
    ] = None
    bulkhead: Annotated[
        On | None,
        Meta(
            description="How many calls a process may have under way to one service. On.",
            examples=[{"calls": 100, "queue": 100}],
        ),
    ] = None
    shed: Annotated[
        On | None,
        Meta(
            description="How many calls a process takes on before it refuses more. On.",
            examples=[False],
        ),
    ] = None
    slow_start: Annotated[
        Annotated[float, Meta(title="seconds, 0 to 3600", ge=0, le=3600, examples=[10.0])] | None,
        Meta(description="How long a new instance gets less than its share. By default 5."),
    ] = None


class PolicySpec(_Shared, frozen=True, kw_only=True):
    """``[policy]``: rules kept here, enforced everywhere."""

    timeout: Annotated[
        float,
        Meta(
            title=_SECONDS,
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


class ServicePolicySpec(_Shared, frozen=True, kw_only=True):
    """``[service.NAME.policy]``: rules for all operations of one service."""

    timeout: Annotated[
        Timeout | None,
        Meta(description="How long a call may take whose contract does not say, in seconds."),
    ] = None
    priority: Priority | None = None


class OperationSpec(_Everywhere, frozen=True, kw_only=True):
    """``[service.NAME.operation.OPERATION]``: rules for one operation."""

    timeout: Annotated[
        Timeout | None,
        Meta(description="How long a call may take, in seconds, whatever the contract says."),
    ] = None
    bulkhead: Annotated[
        bool | None,
        Meta(
            title="true or false",
            description="Whether its calls count among those under way to the service.",
            examples=[False],
        ),
    ] = None
    cache: Annotated[
        bool | None,
        Meta(
            title="true or false",
            description="Whether callers keep its answers; how many, its service says. Off.",
            examples=[True],
        ),
    ] = None
    priority: Priority | None = None
    fallback: Annotated[
        Any,
        Meta(
            title="a value of the operation's result",
            description="What callers get where the call failed. None by default.",
            examples=[[]],
        ),
    ] = None
