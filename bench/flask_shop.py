"""The classic shop: three gunicorns, started in the order of their calls."""

from collections.abc import Sequence

from bench.server import Server, free_port, output
from bench.setting import Setting
from bench.shop import PRODUCTS, STOCK, USERS, ask, orders

# gunicorn's documentation: sync workers by default; start from (2 x cores) + 1 of them and tune. All
# servers of a shop share the one serving core. Of 1, 2, 3 and 5 sync workers and 1, 2 and 3 gthread
# workers of 16 threads, two sync workers a service placed the most orders.
WORKERS = 2
SERVICES = ("users", "inventory", "orders")


class FlaskShop:
    """Flask-RESTX, requests, Flask-SQLAlchemy, gunicorn: a `Stand`."""

    name = "flask-restx"

    def __init__(self, setting: Setting) -> None:
        self.ports = {service: free_port() for service in SERVICES}
        self.port = self.ports["orders"]
        self.setting = setting
        self.folder = setting.folder / "flask"
        self.environment = {
            "DATABASE_FOLDER": str(self.folder),
            "USERS_URL": f"http://127.0.0.1:{self.ports['users']}",
            "INVENTORY_URL": f"http://127.0.0.1:{self.ports['inventory']}",
        }
        self.servers: Sequence[Server] = [self._server(service) for service in SERVICES]

    async def prepare(self) -> None:
        self.folder.mkdir()
        numbers = (str(USERS), str(PRODUCTS), str(STOCK))
        seed = (str(self.setting.python), "-m", "bench.apps.flask_shop.seed")
        await output([*seed, *numbers], environment=self.environment)

    def fill(self) -> list[bytes]:
        return orders(range(1, USERS + 1), range(1, PRODUCTS + 1), [()] * USERS)

    def stock(self) -> int:
        inventory = self.environment["INVENTORY_URL"]
        return sum(
            ask("GET", f"{inventory}/api/product/{number}")["available"]
            for number in range(1, PRODUCTS + 1)
        )

    def _server(self, service: str) -> Server:
        port = self.ports[service]
        return Server(
            f"flask-restx {service}",
            [
                *(str(self.setting.python), "-m", "gunicorn"),
                *("--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"),
                *("--access-logfile", "-", f"bench.apps.flask_shop.{service}:app"),
            ],
            log=self.setting.folder / f"flask-{service}.server.log",
            port=port,
            cores=self.setting.cores.serving,
            environment=self.environment,
        )
