# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""grpc.aio: the service, with stubs made by grpcio-tools when the bench starts.

Protobuf gives the types; the rules beyond types are checked by hand, as its documentation leaves
it to the program. gRPC writes no access log; it is measured without one.
"""

import sys

import grpc
import orders_pb2
import orders_pb2_grpc
import uvloop

from bench.apps.rules import broken, broken_item


class Orders(orders_pb2_grpc.OrdersServicer):
    async def Place(self, request, context):  # noqa: N802  the name is the proto's
        wrong = broken(request.reference, request.user_id, request.date, request.items)
        for item in request.items:
            wrong = wrong or broken_item(item.product_id, item.quantity, item.cents)
        if wrong:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, wrong)
        return orders_pb2.Order(
            reference=request.reference,
            user_id=request.user_id,
            date=request.date,
            items=request.items,
            total=sum(item.quantity * item.cents for item in request.items),
        )


async def main(port: int) -> None:
    server = grpc.aio.server()
    orders_pb2_grpc.add_OrdersServicer_to_server(Orders(), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
