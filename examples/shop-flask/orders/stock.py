"""The stock: taken and put back in one conditional statement each."""

from sqlalchemy import update

from central.database import db
from central.refusal import Refusal
from central.tables import Order, Product


def book(product_id: int, quantity: int) -> int:
    """Take so many out of stock, or put back a negative number; the product's price.

    A product that is not on sale is a 404, and a 409 says how many there are when they are too few. Belongs
    into a `writing` block, which is rolled back then.
    """
    price: int | None = db.session.scalar(
        update(Product)
        .where(Product.id == product_id, Product.available >= quantity)
        .where(Product.active | (quantity <= 0))
        .values(available=Product.available - quantity)
        .returning(Product.price)
    )
    if price is not None:
        return price
    product = db.session.get(Product, product_id)
    if product is None or not product.active:
        raise Refusal(404, f"There is no product {product_id}.", product_id=product_id)
    left = product.available
    message = f"Only {left} left of product {product_id}."
    raise Refusal(409, message, product_id=product_id, available=left)


def rebook(order: Order, product_id: int, quantity: int) -> None:
    """Hold this for the order, instead of what it holds so far: only the difference is booked."""
    if product_id != order.product_id:
        price = book(product_id, quantity)
        book(order.product_id, -order.quantity)
    elif quantity != order.quantity:
        price = book(product_id, quantity - order.quantity)
    else:
        return
    order.product_id, order.quantity, order.unit_price = product_id, quantity, price
