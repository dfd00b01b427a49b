"""The kinds of values that payloads are made of."""

from typing import Any

from flask_restx import Model, fields
from jsonschema import ValidationError

# JSON numbers are exact in every language up to here (RFC 8259, 6).
LARGEST = 2**53 - 1

# In a route: <int(min=1, max=9007199254740991):id>
ID = f"int(min=1, max={LARGEST})"


def line(longest: int, **more: Any) -> fields.String:
    """A text on one line, without control characters."""
    pattern = r"^(?![\s\S]*[\x00-\x1f\x7f])"  # `$` would let a last newline pass
    return fields.String(min_length=1, max_length=longest, pattern=pattern, **more)


def number(largest: int = LARGEST, **more: Any) -> fields.Integer:
    """A whole number above zero."""
    return fields.Integer(min=1, max=largest, **more)


def count(largest: int, **more: Any) -> fields.Integer:
    """A whole number, zero included."""
    return fields.Integer(min=0, max=largest, **more)


class Payload(Model):
    """An object that we are sent."""

    def format_error(self, error: ValidationError) -> tuple[str, str]:
        """The field that is wrong, and the rule it breaks; not its value: it may be a password."""
        field, message = super().format_error(error)
        rule = f"must have {error.validator} {error.validator_value}"
        return field, message if error.validator == "required" else rule


DONE = {"response": fields.String(description="What was done, in words")}
