"""The figures, a file each; every file has `async def measure(setting, said) -> list[Figure]`."""

from bench.figures import call, local, operation, order

__all__ = ["FIGURES"]

FIGURES = {
    "operation": operation.measure,
    "call": call.measure,
    "local": local.measure,
    "order": order.measure,
}
