# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""grpc.aio: one channel and one stub for all calls, as its performance guide advises."""

import sys
from typing import Any

import grpc
import orders_pb2
import orders_pb2_grpc
import uvloop
from google.protobuf.json_format import ParseDict

from bench import orders
from bench.drive import drive

ORDERS = [ParseDict(orders.order(kind), orders_pb2.NewOrder()) for kind in range(orders.KINDS)]


class Client:
    def __init__(self, stub: orders_pb2_grpc.OrdersStub) -> None:
        self.stub = stub

    async def call(self, kind: int) -> int:
        return (await self.stub.Place(ORDERS[kind])).total

    async def plain(self, kind: int) -> dict[str, Any]:
        given = await self.stub.Place(ORDERS[kind])
        items = [
            {"product_id": item.product_id, "quantity": item.quantity, "cents": item.cents}
            for item in given.items
        ]
        return {
            "reference": given.reference,
            "user_id": given.user_id,
            "date": given.date,
            "items": items,
            "total": given.total,
        }

    async def refused(self) -> bool:
        try:
            await self.stub.Place(ParseDict(orders.wrong(), orders_pb2.NewOrder()))
        except grpc.aio.AioRpcError as error:
            return error.code() is grpc.StatusCode.INVALID_ARGUMENT
        return False


async def main(port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await drive(Client(orders_pb2_grpc.OrdersStub(channel)))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
