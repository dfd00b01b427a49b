"""The REST interface of the orders service."""

from collections.abc import Sequence
from typing import Any

from flask_restx import Namespace, Resource
from sqlalchemy import delete, insert, select

from central.database import db, reading, writing
from central.fields import DONE, ID, Payload
from central.refusal import Refusal
from central.tables import Order, User

from .payloads import CHANGES, NEW_ORDER, ORDER, PAGE, values_in
from .stock import book, rebook

api = Namespace("orders", description="Orders of products by users", path="/api")

done = api.model("Done", DONE)
new_order = api.add_model("NewOrder", Payload("NewOrder", NEW_ORDER))
changes = api.add_model("Changes", Payload("Changes", CHANGES))
shown = api.model("Order", ORDER)


@api.route("/orders")
class Orders(Resource):
    @api.expect(new_order)
    @api.response(200, "Success", done)
    @api.response(400, "A field is missing or invalid")
    @api.response(404, "There is no such user or product")
    @api.response(409, "Too few are left; `available` says how many")
    def post(self) -> tuple[Any, ...]:
        """Adds a new order."""
        row = values_in(api.payload, NEW_ORDER)
        with writing():
            if db.session.get(User, row["user_id"]) is None:
                raise Refusal(404, f"There is no user {row['user_id']}.", user_id=row["user_id"])
            row["unit_price"] = book(row["product_id"], row["quantity"])
            order_id = db.session.scalar(insert(Order).values(row).returning(Order.id))
        where = {"Location": f"/api/order/{order_id}"}
        return {"response": "Order placed successfully"}, 200, where


@api.route(f"/order/<{ID}:order_id>")
@api.response(404, "There is no such order")
class OneOrder(Resource):
    @api.marshal_with(shown)
    def get(self, order_id: int) -> Order:
        """Returns the order with specified id."""
        with reading():
            order = db.session.get(Order, order_id)
        if order is None:
            raise no_such_order(order_id)
        return order

    @api.expect(changes)
    @api.response(200, "Success", done)
    @api.response(400, "A field is invalid")
    @api.response(409, "Too few are left; `available` says how many")
    def put(self, order_id: int) -> dict[str, str]:
        """Modifies an order."""
        values = values_in(api.payload, CHANGES)
        with writing():
            order = db.session.get(Order, order_id)
            if order is None:
                raise no_such_order(order_id)
            product = values.get("product_id", order.product_id)
            rebook(order, product, values.get("quantity", order.quantity))
            order.date = values.get("date", order.date)
        return {"response": "Order modified successfully"}

    @api.response(200, "Success", done)
    def delete(self, order_id: int) -> dict[str, str]:
        """Deletes an order."""
        goods = (Order.product_id, Order.quantity)
        statement = delete(Order).where(Order.id == order_id).returning(*goods)
        with writing():
            # Who deletes it puts the goods back, and only one can.
            held = db.session.execute(statement).one_or_none()
            if held is None:
                raise no_such_order(order_id)
            book(held.product_id, -held.quantity)
        return {"response": "Order deleted successfully"}


@api.route(f"/userorders/<{ID}:user_id>")
class UserOrders(Resource):
    @api.expect(PAGE)
    @api.marshal_list_with(shown)
    def get(self, user_id: int) -> Sequence[Order]:
        """Returns all the order placed by a specified user."""
        page = PAGE.parse_args()
        query = select(Order).where(Order.user_id == user_id, Order.id > page["after"])
        with reading():
            return db.session.scalars(query.order_by(Order.id).limit(page["limit"])).all()


def no_such_order(order_id: int) -> Refusal:
    """A 404."""
    return Refusal(404, f"There is no order {order_id}.", order_id=order_id)
