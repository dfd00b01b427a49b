"""How a service says no."""

from typing import Any

from werkzeug.exceptions import HTTPException


class Refusal(HTTPException):
    """A status, and a JSON object of the message and the details. A transaction is rolled back."""

    def __init__(self, status: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = status
        self.data = {"message": message, **details}  # Flask-RESTX answers with this
