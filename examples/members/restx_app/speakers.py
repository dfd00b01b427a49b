"""The speakers of the conference."""

from typing import Any

from flask import Flask
from flask_restx import Api, Resource, fields

SPEAKERS = {
    1: {"id": 1, "name": "Ada Mensah", "company": "Harbour Systems"},
    2: {"id": 2, "name": "Jonas Lind", "company": "Lind & Daughters"},
}

api = Api(title="Speakers", version="1.0", description="Who speaks at the conference")

speaker = api.model(
    "Speaker",
    {
        "id": fields.Integer(required=True),
        "name": fields.String(required=True),
        "company": fields.String(required=True, description="Where they work"),
    },
)


@api.route("/speakers")
class SpeakerList(Resource):
    @api.marshal_list_with(speaker)
    def get(self) -> list[dict[str, Any]]:
        """All speakers."""
        return list(SPEAKERS.values())


@api.route("/speakers/<int:id>")
@api.response(404, "Speaker not found")
class Speaker(Resource):
    @api.marshal_with(speaker)
    def get(self, id: int) -> dict[str, Any]:
        """One speaker."""
        if id not in SPEAKERS:
            api.abort(404, f"Speaker {id} doesn't exist")
        return SPEAKERS[id]


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["RESTX_ERROR_404_HELP"] = False
    api.init_app(app)
    return app
