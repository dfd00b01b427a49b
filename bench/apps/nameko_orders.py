# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""Nameko: the service. Started by `nameko run`; values are plain JSON, rules are checked by hand."""

from nameko.rpc import rpc

from bench.apps.rules import broken, broken_item


class Orders:
    name = "coterie_bench_orders"

    @rpc(expected_exceptions=ValueError)
    def place(self, order):
        wrong = broken(order["reference"], order["user_id"], order["date"], order["items"])
        for item in order["items"]:
            wrong = wrong or broken_item(item["product_id"], item["quantity"], item["cents"])
        if wrong:
            raise ValueError(wrong)
        total = sum(item["quantity"] * item["cents"] for item in order["items"])
        return order | {"total": total}
