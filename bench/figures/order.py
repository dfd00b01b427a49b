"""`order`: place an order in the shop, all three services and both commits included, 16 clients."""

from collections.abc import Callable

from bench.contestant import compete, started
from bench.coterie_shop import CoterieShop
from bench.figure import Figure, Goal, ranked
from bench.flask_shop import FlaskShop
from bench.report import table
from bench.setting import Setting
from bench.shop import Shop

CLIENTS = 16
PEERS = (Goal("flask-restx", 3.0),)


async def measure(setting: Setting, said: Callable[[str], None]) -> list[Figure]:
    """Orders placed a second; after every round the stock must have fallen by just as many."""
    async with started([Shop(CoterieShop(setting)), Shop(FlaskShop(setting))]) as (running, absent):
        scores = await compete(running, CLIENTS, setting.pace, said)
    figure = ranked("order", "orders/s", scores, absent, floor=None, peers=PEERS)
    said(table(figure, scores))
    return [figure]
