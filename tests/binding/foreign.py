"""A program of others: Flask and Flask-RESTX, written as their tutorials write them."""

import datetime
import json
from typing import Any

import flask
import flask_restx
from flask_restx import fields, inputs, reqparse

__all__ = ["flask_program"]


def flask_program() -> flask.Flask:
    """Users, echoes, pages and goods; it has never heard of contracts."""
    app = flask.Flask("flask_shop_program")
    _users(app)
    _echoes(app)
    _pages(app)
    _restx(app)
    return app


def _users(app: flask.Flask) -> None:
    users: dict[int, dict[str, Any]] = {1: {"id": 1, "name": "Zoë", "admin": False}}

    @app.get("/users/<int:id>")
    def user(id: int) -> Any:
        if id not in users:
            return flask.jsonify(error="User not found"), 404
        return users[id]

    @app.post("/users")
    def make() -> Any:
        given = flask.request.get_json()
        if any(user["name"] == given["name"] for user in users.values()):
            return {"error": "Taken", "suggestion": given["name"] + "2"}, 409
        number = max(users) + 1
        users[number] = {"id": number, **given}
        return flask.make_response("", 201, {"Location": f"/users/{number}"})

    @app.delete("/users/<int:id>")
    def drop(id: int) -> Any:
        users.pop(id, None)
        return "", 204

    @app.get("/old/<int:id>")
    def old(id: int) -> Any:
        return json.dumps(users[id])  # Flask calls it text/html


def _echoes(app: flask.Flask) -> None:
    @app.get("/echo/<path:rest>")
    def echo(rest: str) -> Any:
        request = flask.request
        query = {name: request.args.getlist(name) for name in request.args}
        return {"path": rest, "query": query, "part": request.headers.get("X-Part"),
                "cookie": request.cookies.get("theme")}  # fmt: skip

    @app.post("/form")
    @app.post("/file")
    def form() -> Any:
        files = {
            n: f"{f.filename} {f.mimetype} {f.read()!r}" for n, f in flask.request.files.items()
        }
        return {**flask.request.form.to_dict(flat=False), **files}

    @app.post("/login")
    def login() -> Any:
        answer = flask.jsonify(user=flask.request.form["name"])
        answer.set_cookie("theme", "dark", httponly=True)
        return answer


def _pages(app: flask.Flask) -> None:
    @app.get("/slashed/<int:id>/")
    def slashed(id: int) -> Any:
        return {"id": id}

    @app.get("/private")
    def private() -> Any:
        return flask.redirect("/login?next=%2Fprivate")

    @app.get("/page")
    def page() -> str:
        return "<!doctype html><h1>Hello</h1>"

    @app.get("/motto")
    def motto() -> Any:
        return flask.Response("Zoë".encode("latin-1"), content_type="text/plain; charset=latin-1")

    @app.get("/broken")
    def broken() -> Any:
        raise RuntimeError("hunter2")


def _restx(app: flask.Flask) -> None:
    api = flask_restx.Api(app, prefix="/api")
    goods = api.model(
        "Goods", {"name": fields.String(required=True), "price": fields.Float, "made": fields.Date}
    )
    search = reqparse.RequestParser()
    search.add_argument("tag", action="append", location="args")
    search.add_argument("sold", type=inputs.boolean, location="args", required=True)
    search.add_argument("since", type=inputs.date_from_iso8601, location="args")

    @api.route("/goods/<int:id>")
    class One(flask_restx.Resource):  # type: ignore[misc]
        @api.marshal_with(goods)  # type: ignore[untyped-decorator]
        def get(self, id: int) -> Any:
            if id != 7:
                api.abort(404, f"Goods {id} do not exist")
            return {"name": "Tea", "price": 2.5, "made": datetime.date(2026, 1, 2)}

        @api.expect(goods, validate=True)  # type: ignore[untyped-decorator]
        @api.marshal_with(goods)  # type: ignore[untyped-decorator]
        def put(self, id: int) -> Any:
            return {**api.payload, "made": datetime.date.fromisoformat(api.payload["made"])}

        def patch(self, id: int) -> Any:
            return None, 404

    @api.route("/goods")
    class Many(flask_restx.Resource):  # type: ignore[misc]
        @api.expect(search)  # type: ignore[untyped-decorator]
        def get(self) -> Any:
            given = search.parse_args()
            since = given["since"]
            return [*(given["tag"] or ()), repr(given["sold"]), since and since.isoformat()]
