"""The REST interface of the users service."""

from typing import Any

from flask import current_app
from flask_restx import Namespace, Resource
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.security import check_password_hash, generate_password_hash

from central.database import db, reading, writing
from central.fields import DONE, ID, Payload
from central.refusal import Refusal
from central.tables import User

from .payloads import CHANGES, CREDENTIALS, LOGGED_IN, NEW_USER, USER, name_in

api = Namespace("users", description="User data", path="/api")

done = api.model("Done", DONE)
new_user = api.add_model("NewUser", Payload("NewUser", NEW_USER))
credentials = api.add_model("Credentials", Payload("Credentials", CREDENTIALS))
changes = api.add_model("Changes", Payload("Changes", CHANGES))
logged_in = api.model("LoggedIn", LOGGED_IN)
shown = api.model("User", USER)


@api.route("/users")
class Users(Resource):
    @api.expect(new_user)
    @api.response(200, "Success", done)
    @api.response(400, "A field is missing or invalid")
    @api.response(409, "The name belongs to somebody else")
    def post(self) -> tuple[Any, ...]:
        """Adds a new user to the system."""
        name = name_in(api.payload)
        # Hashing takes long on purpose: it is over before the database is locked.
        hashed = hash_of(api.payload["password"])
        row = {"username": name, "password_hash": hashed, "address": api.payload["address"]}
        try:
            with writing():
                user_id = db.session.scalar(insert(User).values(row).returning(User.id))
        except IntegrityError:
            raise Refusal(
                409, f"The name {name} belongs to somebody else.", username=name
            ) from None
        return {"response": "User added to the system."}, 200, {"Location": f"/api/user/{user_id}"}


@api.route("/login")
class Login(Resource):
    @api.expect(credentials)
    @api.response(200, "Success", logged_in)
    @api.response(401, "Name or password is wrong")
    def post(self) -> dict[str, int]:
        """Logs in a user."""
        with reading():
            user = db.session.scalar(select(User).where(User.username == name_in(api.payload)))
        # An unknown name costs as much as a wrong password, and is answered alike.
        expected = current_app.config["NOBODYS_HASH"] if user is None else user.password_hash
        right = check_password_hash(expected, api.payload["password"])
        if user is None or not right:
            raise Refusal(401, "Name or password is wrong.")
        return {"user_id": user.id}


@api.route(f"/user/<{ID}:id>")
@api.response(404, "There is no such user")
class OneUser(Resource):
    @api.marshal_with(shown)
    def get(self, id: int) -> User:
        """Gets info of a user given its id."""
        return found(id)

    @api.expect(changes)
    @api.response(200, "Success", done)
    @api.response(400, "A field is invalid")
    @api.response(403, "The current password is wrong")
    def put(self, id: int) -> dict[str, str]:
        """Changes password and address of a user."""
        given, user = api.payload, found(id)
        current = given.get("current_password")
        if current is not None and not check_password_hash(user.password_hash, current):
            raise Refusal(403, "The current password is wrong.")
        values = {"address": given["address"]} if "address" in given else {}
        if "password" in given:
            values["password_hash"] = hash_of(given["password"])
        if values:
            change = update(User).where(User.id == id).values(values).returning(User.id)
            with writing():
                if db.session.scalar(change) is None:
                    raise no_such_user(id)
        return {"response": "User modified successfully"}

    @api.response(200, "Success", done)
    @api.response(409, "The user has orders")
    def delete(self, id: int) -> dict[str, str]:
        """Deletes a user."""
        try:
            with writing():
                gone = db.session.scalar(delete(User).where(User.id == id).returning(User.id))
        except IntegrityError:
            raise Refusal(409, f"User {id} has orders; delete these first.", user_id=id) from None
        if gone is None:
            raise no_such_user(id)
        return {"response": "User deleted from the system."}


def found(id: int) -> User:
    """The user with this id; none is a 404."""
    with reading():
        user = db.session.get(User, id)
    if user is None:
        raise no_such_user(id)
    return user


def no_such_user(id: int) -> Refusal:
    """A 404."""
    return Refusal(404, f"There is no user {id}.", user_id=id)


def hash_of(password: str) -> str:
    """What is kept of a password."""
    return generate_password_hash(password, current_app.config["PASSWORD_METHOD"])
