"""The REST interface of the inventory service."""

from typing import Any

from flask_restx import Namespace, Resource, fields
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from central.database import db, reading, writing
from central.fields import DONE, ID, Payload
from central.refusal import Refusal
from central.tables import Product

from .payloads import CHANGES, NEW_PRODUCT, PAGE, PRODUCT, STOCK_LEVEL, values_in

api = Namespace("inventory", description="Products and their stock", path="/api")

done = api.model("Done", DONE)
new_product = api.add_model("NewProduct", Payload("NewProduct", NEW_PRODUCT))
changes = api.add_model("Changes", Payload("Changes", CHANGES))
stock_level = api.add_model("StockLevel", Payload("StockLevel", STOCK_LEVEL))
shown = api.model("Product", PRODUCT)
page_of = {
    "items": fields.List(fields.Nested(shown)),
    "next": fields.String(description="The `cursor` of the next page; null on the last"),
}
shown_page = api.model("Page", page_of)


@api.route("/products")
class Products(Resource):
    @api.expect(PAGE)
    @api.marshal_with(shown_page)
    def get(self) -> dict[str, Any]:
        """Lists the products on sale."""
        page = PAGE.parse_args()
        query = select(Product).where(Product.id > page["cursor"], Product.active)
        with reading():
            found = db.session.scalars(query.order_by(Product.id).limit(page["limit"])).all()
        more = len(found) == page["limit"]
        return {"items": found, "next": str(found[-1].id) if more else None}

    @api.expect(new_product)
    @api.response(200, "Success", done)
    @api.response(400, "A field is missing or invalid")
    @api.response(409, "There is a product of this `sku` already")
    def post(self) -> tuple[Any, ...]:
        """Adds a product."""
        row = values_in(api.payload, NEW_PRODUCT)
        try:
            with writing():
                product_id = db.session.scalar(insert(Product).values(row).returning(Product.id))
        except IntegrityError:
            sku = row["sku"]
            raise Refusal(409, f"There is a product {sku} already.", sku=sku) from None
        return {"response": "Product added"}, 200, {"Location": f"/api/products/{product_id}"}


@api.route(f"/products/<{ID}:id>")
@api.response(404, "There is no such product")
class OneProduct(Resource):
    @api.marshal_with(shown)
    def get(self, id: int) -> Product:
        """Returns a product."""
        return found(id)

    @api.expect(changes)
    @api.response(200, "Success", done)
    @api.response(400, "A field is invalid")
    def put(self, id: int) -> dict[str, str]:
        """Changes name or price of a product."""
        change(id, values_in(api.payload, CHANGES))
        return {"response": "Product modified successfully"}

    @api.response(200, "Success", done)
    def delete(self, id: int) -> dict[str, str]:
        """Takes a product off sale."""
        change(id, {"active": False})
        return {"response": "Product withdrawn"}


@api.route(f"/products/<{ID}:id>/stock")
@api.response(404, "There is no such product")
class Stock(Resource):
    @api.response(200, "Success", stock_level)
    def get(self, id: int) -> dict[str, int]:
        """Returns how much of a product can be ordered."""
        return {"available": found(id).available}

    @api.expect(stock_level)
    @api.response(200, "Success", done)
    @api.response(400, "The number is missing or invalid")
    def put(self, id: int) -> dict[str, str]:
        """Sets how much of a product can be ordered."""
        change(id, values_in(api.payload, STOCK_LEVEL))
        return {"response": "Stock set"}


def found(id: int) -> Product:
    """The product on sale with this id; none is a 404."""
    query = select(Product).where(Product.id == id, Product.active)
    with reading():
        product = db.session.scalar(query)
    if product is None:
        raise no_such_product(id)
    return product


def change(id: int, values: dict[str, Any]) -> None:
    """Give a product on sale these values; none is a 404."""
    if not values:
        found(id)
        return
    statement = update(Product).where(Product.id == id, Product.active).values(values)
    with writing():
        if db.session.scalar(statement.returning(Product.id)) is None:
            raise no_such_product(id)


def no_such_product(id: int) -> Refusal:
    """A 404."""
    return Refusal(404, f"There is no product {id}.", product_id=id)
