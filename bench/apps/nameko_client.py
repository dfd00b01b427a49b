# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""Nameko: the standalone proxy of its documentation; calls in flight by `call_async`.

Several in flight are a window of that many asynchronous calls: the oldest answer is awaited, then
the next call is sent. The client leaves no queue of the bench on the broker.
"""

import sys
import time
from collections import Counter, deque

import kombu
import msgspec
from nameko.exceptions import RemoteError, UnknownService
from nameko.standalone.rpc import ClusterRpcProxy

from bench import orders
from bench.drive import TOTALS, Command, say, wrong_answer
from bench.round import Round

NAME = "coterie_bench_orders"
ORDERS = [orders.order(kind) for kind in range(orders.KINDS)]


def main(broker: str) -> None:
    try:
        with ClusterRpcProxy({"AMQP_URI": broker}, timeout=10) as cluster:
            place = cluster[NAME].place
            wait(place)
            check(place)
            say(b"ready\n")
            while line := sys.stdin.buffer.readline():
                command = msgspec.json.decode(line, type=Command)
                say(msgspec.json.encode(measure(place, command)) + b"\n")
    finally:
        with kombu.Connection(broker) as connection:
            connection.channel().queue_delete(f"rpc-{NAME}")


def wait(place) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            place(ORDERS[0])
        except UnknownService:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def check(place) -> None:
    for kind in range(orders.KINDS):
        if problem := wrong_answer(kind, place(ORDERS[kind])):
            raise SystemExit(problem)
    try:
        place(orders.wrong())
    except RemoteError as error:
        if error.exc_type == "ValueError":
            return
    raise SystemExit("the order that breaks a rule was not refused")


def measure(place, command: Command) -> Round:
    times: list[float] = []
    errors: Counter[str] = Counter()
    counted = total = kind = 0
    window: deque = deque()
    started, cpu = time.perf_counter(), time.process_time()
    end = started + command.seconds
    asking = True
    while asking or window:
        while asking and len(window) < command.in_flight:
            window.append((kind, time.perf_counter(), place.call_async(ORDERS[kind])))
            kind = (kind + 1) % orders.KINDS
        sent, asked, reply = window.popleft()
        try:
            given = reply.result()["total"]
        except Exception as error:  # noqa: BLE001  any class a contestant has: counted by name
            errors[type(error).__name__] += 1
            given = -1
        now = time.perf_counter()
        if given == TOTALS[sent]:
            total += 1
            if now <= end:
                counted += 1
                times.append(now - asked)
        elif given >= 0:
            errors["wrong answer"] += 1
        asking = now < end
    busy = (time.process_time() - cpu) / (time.perf_counter() - started)
    return Round.of(counted, command.seconds, times, errors=errors, total=total, busy=busy)


if __name__ == "__main__":
    main(sys.argv[1])
