# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""FastAPI: models in pydantic, the return type declared, an `async def` that awaits nothing slow."""

from fastapi import FastAPI

from bench.apps.pydantic_models import NewOrder, Order

app = FastAPI()


@app.post("/api/orders")
async def place(order: NewOrder) -> Order:
    return Order(
        reference=order.reference,
        user_id=order.user_id,
        date=order.date,
        items=order.items,
        total=sum(item.quantity * item.cents for item in order.items),
    )
