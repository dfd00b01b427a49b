# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""The orders service: asks for the user, takes from stock, writes the order down."""

import datetime
import os

import requests
from flask_restx import Api, Resource, fields
from flask_sqlalchemy import SQLAlchemy

from bench.apps.flask_shop.database import application, open_database

USERS = os.environ.get("USERS_URL", "")
INVENTORY = os.environ.get("INVENTORY_URL", "")
TIMEOUT = 10

app = application("orders")
db = SQLAlchemy()
api = Api(app, title="Orders", version="1.0")
http = requests.Session()


class Order(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer, nullable=False, index=True)
    product_id = db.Column(db.Integer, nullable=False)
    quantity = db.Column(db.Integer, nullable=False)
    date = db.Column(db.Date, nullable=False)


open_database(app, db)

new_order = api.model(
    "NewOrder",
    {
        "user_id": fields.Integer(required=True, min=1),
        "product_id": fields.Integer(required=True, min=1),
        "quantity": fields.Integer(required=True, min=1),
        "date": fields.Date(required=True),
    },
)


@api.route("/api/orders")
class Orders(Resource):
    @api.expect(new_order, validate=True)
    def post(self):
        order = api.payload
        try:
            date = datetime.date.fromisoformat(order["date"])
        except ValueError:
            api.abort(400, "date: not an ISO 8601 date.")
        user = http.get(f"{USERS}/api/user/{order['user_id']}", timeout=TIMEOUT)
        if user.status_code != 200:
            api.abort(404, f"There is no user {order['user_id']}.")
        taken = http.post(
            f"{INVENTORY}/api/product/{order['product_id']}/take",
            json={"quantity": order["quantity"]},
            timeout=TIMEOUT,
        )
        if taken.status_code != 200:
            api.abort(taken.status_code, taken.json().get("message", ""))
        db.session.add(
            Order(
                user_id=order["user_id"],
                product_id=order["product_id"],
                quantity=order["quantity"],
                date=date,
            )
        )
        db.session.commit()
        return {"response": "Order placed successfully"}
