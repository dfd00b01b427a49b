"""Our shop: `coterie up examples/shop`, every service in one process."""

import sys

from bench.server import Server, ServerError, free_port
from bench.setting import ROOT, Setting
from bench.shop import Shop

SHOP = ROOT / "examples" / "shop"


class CoterieShop(Shop):
    """To be completed with the shop: tokens, stock and the port of its gateway."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        super().__init__("coterie", [])

    async def start(self) -> None:
        raise ServerError("examples/shop is not there yet")
