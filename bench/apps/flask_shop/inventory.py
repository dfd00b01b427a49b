# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""The inventory service: products and how many are left; taking is one conditional statement."""

from flask_restx import Api, Resource, fields
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import update

from bench.apps.flask_shop.database import application, open_database

app = application("inventory")
db = SQLAlchemy()
api = Api(app, title="Inventory", version="1.0")


class Product(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80), nullable=False)
    cents = db.Column(db.Integer, nullable=False)
    available = db.Column(db.Integer, db.CheckConstraint("available >= 0"), nullable=False)


open_database(app, db)

shown = api.model(
    "Product",
    {
        "id": fields.Integer,
        "name": fields.String,
        "cents": fields.Integer,
        "available": fields.Integer,
    },
)
quantity = api.model("Quantity", {"quantity": fields.Integer(required=True, min=1)})


@api.route("/api/product/<int:product_id>")
class OneProduct(Resource):
    @api.marshal_with(shown)
    def get(self, product_id):
        product = db.session.get(Product, product_id)
        if product is None:
            api.abort(404, f"There is no product {product_id}.")
        return product


@api.route("/api/product/<int:product_id>/take")
class Take(Resource):
    @api.expect(quantity, validate=True)
    def post(self, product_id):
        wanted = api.payload["quantity"]
        taken = db.session.execute(
            update(Product)
            .where(Product.id == product_id, Product.available >= wanted)
            .values(available=Product.available - wanted)
        )
        if taken.rowcount == 0:
            db.session.rollback()
            if db.session.get(Product, product_id) is None:
                api.abort(404, f"There is no product {product_id}.")
            api.abort(409, f"Not enough left of product {product_id}.")
        db.session.commit()
        return {"response": "Taken"}
