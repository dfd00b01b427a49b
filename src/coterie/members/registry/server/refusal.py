"""Refused: what the registry does not do, and what to do instead."""

from collections.abc import Mapping

__all__ = ["Refused"]


class Refused(Exception):
    """A request that changes nothing. ``status`` is HTTP's; the message says what to do next."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
