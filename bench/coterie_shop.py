"""Our shop: `coterie up examples/shop`, as anyone would start it, every service in one process."""

from collections.abc import Sequence

from bench.server import Server, ServerError, free_port
from bench.setting import ROOT, Setting
from bench.shop import PRODUCTS, STOCK, USERS, ask, orders

ADMINISTRATOR = ("admin", "administrator")  # of the shop's `test` profile
PASSWORD = "newPassword"


class CoterieShop:
    """The shop of the examples, at the port of its gateway: a `Stand`.

    It does more than its peer: every request carries a token, which is verified; the owner of the
    order is checked; stock is taken under a reservation, so that a repeated call takes it once.
    """

    name = "coterie"

    def __init__(self, setting: Setting) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        state = setting.folder / "coterie"
        up = (
            str(setting.python),
            "-m",
            "coterie",
            "up",
            "--one-process",
            str(ROOT / "examples" / "shop"),
        )
        options = ("--port", str(self.port), "--profile", "test", "--state", str(state))
        self.servers: Sequence[Server] = [
            Server(
                self.name,
                [*up, *options],
                log=setting.folder / "coterie.server.log",
                port=self.port,
                cores=setting.cores.serving,
            )
        ]

    async def prepare(self) -> None:
        """Nothing: `up` makes its databases itself."""

    def fill(self) -> list[bytes]:
        _, administrator = self._login(*ADMINISTRATOR)
        products = [product["id"] for product in self._products()][:PRODUCTS]
        if len(products) < PRODUCTS:
            raise ServerError(f"the shop has {len(products)} products, not {PRODUCTS}")
        for product in products:
            url = f"{self.url}/api/products/{product}/stock"
            ask("PUT", url, {"available": STOCK}, administrator)
        users = []
        for number in range(USERS):
            user = {"name": f"user{number}", "password": PASSWORD, "address": "1 High Street"}
            ask("POST", f"{self.url}/api/users", user)
            users.append(self._login(user["name"], PASSWORD))
        tokens = [(("Authorization", f"Bearer {token}"),) for _, token in users]
        return orders([number for number, _ in users], products, tokens)

    def stock(self) -> int:
        return sum(product["available"] for product in self._products())

    def _login(self, name: str, password: str) -> tuple[int, str]:
        answer = ask("POST", f"{self.url}/api/login", {"name": name, "password": password})
        return answer["user_id"], answer["access_token"]

    def _products(self) -> list[dict[str, int]]:
        items: list[dict[str, int]] = ask("GET", f"{self.url}/api/products?limit=500")["items"]
        return items
