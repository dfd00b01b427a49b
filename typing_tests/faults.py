"""A fault is made as a dataclass is, and caught by type with its fields typed."""

from typing import assert_type

from coterie.contract import Code, Fault, post
from typing_tests.shop import OutOfStock


class Discontinued(OutOfStock):
    """Product {product_id} is gone: {reason}."""

    reason: str = ""


class Quota(Fault, code=Code.RESOURCE_EXHAUSTED):
    """Nothing left."""


def right() -> None:
    OutOfStock(7)
    OutOfStock(7, 3)
    OutOfStock(product_id=7, available=3)
    Discontinued(7, reason="old")
    assert_type(OutOfStock(7).available, int)
    assert_type(Discontinued(7).reason, str)
    assert_type(Discontinued(7).product_id, int)
    assert_type(Quota().message, str)
    assert_type(OutOfStock.code, Code)
    assert_type(OutOfStock.status, int)
    assert_type({OutOfStock(7), OutOfStock(8)}, set[OutOfStock])
    post("/orders", faults=[OutOfStock, Quota, Discontinued])
    try:
        raise Discontinued(7)
    except OutOfStock as fault:
        assert_type(fault, OutOfStock)
        fault.available = 3
        raise Quota from fault


def wrong_values() -> None:
    OutOfStock()  # E
    OutOfStock("7")  # E
    OutOfStock(7, 3, 1)  # E
    OutOfStock(product=7)  # E
    OutOfStock(7, available="three")  # E
    Quota("why")  # E
    Discontinued(7, 3, 4)  # E


def wrong_field() -> None:
    try:
        raise OutOfStock(7)
    except OutOfStock as fault:
        fault.left  # E
        fault.available = "three"  # E
        text: str = fault.available  # E


def wrong_declaration() -> None:
    class WrongCode(Fault, code="not_found"): ...  # E

    class WrongStatus(Fault, status="409"): ...  # E

    class WrongOption(Fault, codes=Code.NOT_FOUND): ...  # E

    class WrongDefault(Fault):
        available: int = "none"  # E

    class WrongOrder(Fault):
        available: int = 0
        product_id: int  # E


def not_raisable() -> None:
    post("/orders", faults=[int])  # E
    post("/orders", faults=[OutOfStock(7)])  # E
    post("/orders", faults=OutOfStock)  # E
