# mypy: ignore-errors
# The peers are not in the environment of the checks.
"""The users service: who may order."""

from flask_restx import Api, Resource, fields
from flask_sqlalchemy import SQLAlchemy

from bench.apps.flask_shop.database import application, open_database

app = application("users")
db = SQLAlchemy()
api = Api(app, title="Users", version="1.0")


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    username = db.Column(db.String(80), unique=True, nullable=False)
    password_hash = db.Column(db.String(200), nullable=False)
    address = db.Column(db.String(200), nullable=False)


open_database(app, db)

shown = api.model(
    "User", {"id": fields.Integer, "username": fields.String, "address": fields.String}
)


@api.route("/api/user/<int:user_id>")
class OneUser(Resource):
    @api.marshal_with(shown)
    def get(self, user_id):
        user = db.session.get(User, user_id)
        if user is None:
            api.abort(404, f"There is no user {user_id}.")
        return user
