"""Our shop: `coterie up examples/shop`, every service in one process.

TO BE COMPLETED with the shop: tokens, stock and the port of its gateway.
"""

from collections.abc import Sequence

from bench.server import Server, ServerError
from bench.setting import Setting


class CoterieShop:
    """The shop of the examples: a `Stand`."""

    name = "coterie"

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.port = 0
        self.servers: Sequence[Server] = []

    async def prepare(self) -> None:
        raise ServerError("examples/shop is not there yet")

    def fill(self) -> list[bytes]:
        return []

    def stock(self) -> int:
        return 0
