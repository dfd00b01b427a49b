"""What the users service is sent, and what it answers."""

from typing import Any

from flask_restx import fields

from central.fields import line
from central.refusal import Refusal

USERNAME = {"example": "newUser", "description": "The same as `name`: give one of them"}
PASSWORD = {"max_length": 256, "example": "newPassword"}

NEW_USER = {
    "name": line(64, example="newUser"),
    "username": line(64, **USERNAME),
    "password": fields.String(required=True, min_length=8, **PASSWORD),
    "address": line(200, required=True, example="new address"),
}

CREDENTIALS = {
    "name": fields.String(max_length=64, example="newUser"),
    "username": fields.String(max_length=64, **USERNAME),
    "password": fields.String(required=True, **PASSWORD),
}

CHANGES = {
    "password": fields.String(min_length=8, **PASSWORD),
    "address": line(200, example="new address"),
    "current_password": fields.String(description="If given, it must be right", **PASSWORD),
}

USER = {"id": fields.Integer, "username": fields.String, "address": fields.String}

LOGGED_IN = {"user_id": fields.Integer}


def name_in(payload: dict[str, Any]) -> str:
    """The user's name, whichever of its two words was taken. Anything but one name is a 400."""
    names = {payload[word] for word in ("name", "username") if word in payload}
    if len(names) != 1:
        problem = {"": "Give `name`, or `username` in its place"}
        raise Refusal(400, "Input payload validation failed", errors=problem)
    name: str = names.pop()
    return name
