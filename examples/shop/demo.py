"""The shop, started as a user would start it, and driven as a client would drive it.

Half way through, one of its processes is killed: the others answer meanwhile, and it comes back.

python demo.py [--port 8080]      stays up until Ctrl-C
ONCE=1 python demo.py             stops by itself; exit code 0 when every step went right
"""

import argparse
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SHOP = Path(__file__).resolve().parent


class WentWrong(Exception):
    """A step did not answer what it should."""


class Style:
    """Colours, where somebody looks."""

    on = sys.stdout.isatty()

    @classmethod
    def paint(cls, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if cls.on else text


class Shop:
    """A client of the shop: plain HTTP and JSON, nothing of Coterie."""

    def __init__(self, host: str, port: int) -> None:
        self.connection = http.client.HTTPConnection(host, port, timeout=10)
        self.token: str | None = None
        self.steps = 0

    def step(self, what: str, method: str, path: str, body: Any = None, *, expect: int) -> Any:
        """One request; prints status, time and answer. Raises `WentWrong`."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        began = time.perf_counter()
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        milliseconds = (time.perf_counter() - began) * 1000
        right = response.status == expect
        self.steps += 1
        status = Style.paint("32" if right else "31", str(response.status))
        print(f"{self.steps:2}. {what}")
        print(f"    {method} {path}  {status}  {milliseconds:.1f} ms")
        answer = json.loads(text) if text else None
        print(f"    {Style.paint('2', shown(answer))}")
        if not right:
            raise WentWrong(f"{what}: expected {expect}, got {response.status}")
        location = response.getheader("Location")
        return {"answer": answer, "location": location}


def shown(answer: Any) -> str:
    """An answer on one line: tokens and long lists cut short."""
    if isinstance(answer, dict) and "access_token" in answer:
        answer = {**answer, "access_token": answer["access_token"][:12] + "..."}
    if isinstance(answer, dict) and isinstance(answer.get("items"), list):
        names = [item["name"] for item in answer["items"]]
        return f"{len(names)} products: {', '.join(names[:3])}, ..."
    text = json.dumps(answer)
    return text if len(text) <= 160 else text[:157] + "..."


class Processes:
    """The processes of the running shop, as `coterie ps` tells of them."""

    def __init__(self, state: str) -> None:
        self.command = [sys.executable, "-m", "coterie", "ps", str(SHOP), "--state", state]

    def show(self) -> None:
        """Print the table."""
        print("\n$ coterie ps examples/shop", flush=True)
        subprocess.run(self.command, check=True)

    def find(self, name: str) -> dict[str, Any]:
        """The row of one process. Raises `WentWrong` where there is none."""
        command = [*self.command, "--json"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows: list[dict[str, Any]] = json.loads(told)
        for row in rows:
            if row["name"] == name:
                return row
        raise WentWrong(f"coterie ps does not show {name}")


def drive(shop: Shop, processes: Processes | None) -> None:
    """What a customer does, and what the shop must answer."""

    def available(product: int) -> int:
        path = f"/api/products/{product}/stock"
        found: int = shop.step("How many are there?", "GET", path, expect=200)["answer"][
            "available"
        ]
        return found

    user = {"name": "newUser", "password": "newPassword", "address": "new address"}
    made = shop.step("Register", "POST", "/api/users", user, expect=200)
    check(made["answer"], {"response": "User added to the system."})
    login = {"username": "newUser", "password": "newPassword"}
    logged_in = shop.step("Log in", "POST", "/api/login", login, expect=200)["answer"]
    products = shop.step("List products", "GET", "/api/products", expect=200)["answer"]["items"]
    product = products[0]["id"]
    before = available(product)
    order = {
        "user_id": logged_in["user_id"],
        "product_id": product,
        "quantity": 2,
        "date": "2023-11-28",
    }
    shop.step("Order without a token: refused", "POST", "/api/orders", order, expect=401)
    shop.token = logged_in["access_token"]
    placed = shop.step("Place an order", "POST", "/api/orders", order, expect=200)
    check(placed["answer"], {"response": "Order placed successfully"})
    where = placed["location"]
    check(available(product), before - 2)
    if processes is not None:
        with killed(processes, "inventory-1"):
            shop.step("Look at the order: the others answer", "GET", where, expect=200)
            # This waits at the address of inventory-1, which is kept, until it is back.
            check(available(product), before - 2)
    much = {**order, "quantity": before}
    refused = shop.step(
        "Order more than there is: refused", "POST", "/api/orders", much, expect=409
    )
    check(refused["answer"]["available"], before - 2)
    shop.step("Change the order to 5", "PUT", where, {"quantity": 5}, expect=200)
    check(available(product), before - 5)
    shop.step("Look at it", "GET", where, expect=200)
    shop.step("Delete the order", "DELETE", where, expect=200)
    shop.step("It is gone", "GET", where, expect=404)
    check(available(product), before)


@contextmanager
def killed(processes: Processes, name: str) -> Generator[None]:
    """Kill a process at the beginning of the block; tell how it came back at the end."""
    processes.show()
    before = processes.find(name)
    print(f"\n$ kill -9 {before['pid']}    {Style.paint('2', f'# {name}')}\n")
    os.kill(before["pid"], signal.SIGKILL)
    began = time.perf_counter()
    yield
    away = time.perf_counter() - began
    after = processes.find(name)
    print(f"    {name} answered after {away:.2f} s, as process {after['pid']}")
    if after["pid"] == before["pid"] or after["restarts"] != 1:
        raise WentWrong(f"{name} was not started again, once: {after}")


def check(found: Any, expected: Any) -> None:
    """Raise `WentWrong` unless ``found`` is what was expected."""
    if found != expected:
        raise WentWrong(f"expected {expected!r}, got {found!r}")
    print(f"    {Style.paint('32', 'as it should be')}: {json.dumps(found)}")


def free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def main() -> int:
    """Start, drive, stay or stop; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8080)
    port: int = parser.parse_args().port
    if port and not free(port):
        print(f"Port {port} is taken; a free one is used instead.")
        port = 0
    once = bool(os.environ.get("ONCE")) or not sys.stdout.isatty()
    with tempfile.TemporaryDirectory(prefix="shop-") as state:
        command = [sys.executable, "-m", "coterie", "up", str(SHOP), "--json"]
        command += ["--port", str(port), "--state", state]
        print(f"$ coterie up examples/shop --port {port}")
        environment = {**os.environ, "SHOP_ADMIN_PASSWORD": secrets.token_urlsafe(12)}
        log = Path(state, "shop.log")
        # A session of its own: Ctrl-C comes to us alone, and we stop the shop in order.
        with log.open("w") as stderr:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
                start_new_session=True,
                text=True,
            )
        code = 1
        try:
            code = attend(process, once, state, environment["SHOP_ADMIN_PASSWORD"])
            return code
        finally:
            if code:
                print("The last lines of its log:", file=sys.stderr)
                print("".join(log.read_text().splitlines(True)[-20:]), file=sys.stderr)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def attend(process: "subprocess.Popen[str]", once: bool, state: str, password: str) -> int:
    """Wait until the shop is ready, drive it, and stay if somebody looks."""
    if process.stdout is None:
        raise WentWrong("the shop has no output")
    line = process.stdout.readline()
    if not line:
        print("The shop did not start.", file=sys.stderr)
        return 1
    ready = json.loads(line)
    url: str = ready["url"]
    print(f"ready in {ready['seconds']:.1f} s at {url}\n")
    host, _, port = url.removeprefix("http://").partition(":")
    shop = Shop(host, int(port))
    try:
        drive(shop, Processes(state) if "console" in ready else None)
    except (
        WentWrong,
        OSError,
        http.client.HTTPException,
        subprocess.CalledProcessError,
        KeyError,
    ) as problem:
        print(f"\n{Style.paint('31', 'Something went wrong')}: {problem}", file=sys.stderr)
        return 1
    print(f"\n{Style.paint('1;32', f'All {shop.steps} steps went right.')}")
    print(f"  The shop          {url}/api/products")
    print(f"  Documentation     {url}/docs")
    if "console" in ready:
        print(f"  Console           {ready['console']}")
    if once:
        return 0
    print(f"  Administrator     admin, password {password}")
    print("\nCtrl-C stops it.")
    try:
        process.wait()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
