"""The talks of the conference."""

from typing import Any

from flask import Flask

app = Flask(__name__)

TALKS: dict[int, dict[str, Any]] = {
    1: {"id": 1, "title": "Services that age well", "speaker_id": 1, "room": "aula"},
    2: {"id": 2, "title": "Ten years of one monolith", "speaker_id": 2, "room": "library"},
    3: {"id": 3, "title": "What the queue knew", "speaker_id": 1, "room": "library"},
}


@app.get("/talks")
def list_talks() -> list[dict[str, Any]]:
    return list(TALKS.values())


@app.get("/talks/<int:talk_id>")
def get_talk(talk_id: int) -> tuple[dict[str, Any], int]:
    if talk_id not in TALKS:
        return {"error": "no such talk", "talk_id": talk_id}, 404
    return TALKS[talk_id], 200
