"""A fault is made as a dataclass is, and caught by type with its fields typed."""

# pyright: reportUnusedVariable=false, reportUnusedClass=false, reportUnusedExpression=false

from typing import assert_type

from coterie.contract import Code, Fault, field, post
from typing_tests.shop import OutOfStock


class Discontinued(OutOfStock):
    """Product {product_id} is gone: {reason}."""

    reason: str = ""


class Quota(Fault, code=Code.RESOURCE_EXHAUSTED):
    """Nothing left."""


class Refused(Fault, code=Code.INVALID_ARGUMENT, bare=True):
    """{said}."""

    said: str = field(name="message")
    errors: dict[str, str] = field(default_factory=dict)


def right() -> None:
    OutOfStock(7)
    OutOfStock(7, 3)
    OutOfStock(product_id=7, available=3)
    Discontinued(7, reason="old")
    assert_type(OutOfStock(7).available, int)
    assert_type(Discontinued(7).reason, str)
    assert_type(Discontinued(7).product_id, int)
    assert_type(Quota().message, str)
    assert_type(Refused("no").said, str)
    assert_type(Refused(said="no", errors={}).errors, dict[str, str])
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
    OutOfStock()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OutOfStock("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    OutOfStock(7, 3, 1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OutOfStock(product=7)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OutOfStock(7, available="three")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Quota("why")  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue]
    Discontinued(7, 3, 4)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def wrong_names() -> None:
    Refused()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Refused(message="no")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def wrong_field() -> None:
    try:
        raise OutOfStock(7)
    except OutOfStock as fault:
        fault.left  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        fault.available = "three"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
        text: str = fault.available  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def wrong_declaration() -> None:
    class WrongCode(Fault, code="not_found"): ...  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues]

    class WrongStatus(Fault, status="409"): ...  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues]

    class WrongOption(Fault, codes=Code.NOT_FOUND): ...  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue, reportGeneralTypeIssues]

    class WrongDefault(Fault):
        available: int = "none"  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    class WrongOrder(Fault):
        available: int = 0
        product_id: int  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]


def not_raisable() -> None:
    post("/orders", faults=[int])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    post("/orders", faults=[OutOfStock(7)])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    post("/orders", faults=OutOfStock)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
