"""The figures, a file each; every file has `async def measure(setting, said) -> list[Figure]`."""

from bench.figures import (
    call,
    console,
    discovery,
    foreign,
    gateway,
    importing,
    keys,
    local,
    member,
    memory,
    operation,
    order,
    overload,
    policies,
    recovery,
    up,
)

__all__ = ["FIGURES"]

FIGURES = {
    "operation": operation.measure,
    "call": call.measure,
    "local": local.measure,
    "policies": policies.measure,
    "order": order.measure,
    "gateway": gateway.measure,
    "console": console.measure,
    "member": member.measure,
    "foreign": foreign.measure,
    "import": importing.measure,
    "up": up.measure,
    "memory": memory.measure,
    "recovery": recovery.measure,
    "discovery": discovery.measure,
    "keys": keys.measure,
    "overload": overload.measure,
}
