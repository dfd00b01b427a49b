"""The two ways a request can end without an answer.

    Exception
    ├── NotSent    not one byte of it left this process: asking again is safe
    └── Unknown    a byte may have left: it may have taken effect, or not

A request that cannot be written at all (a line break in a header) is a `ValueError`.
"""

import enum

__all__ = ["NotSent", "Reason", "Unknown"]


class Reason(enum.Enum):
    """Why there is no answer."""

    CONNECT = "connect"
    """No connection: name not found, refused, unreachable, too slow, or closed before use."""
    TLS = "tls"
    """A connection, but no trust: the handshake failed."""
    BUSY = "busy"
    """Every connection is in use and the queue for them is full."""
    CLOSED = "closed"
    """The other side closed or reset the connection before its answer was whole."""
    MALFORMED = "malformed"
    """What came back is not HTTP/1.1, or is HTTP that two readers could read differently."""
    TOO_LARGE = "too large"
    """The answer is larger than we are willing to hold."""
    DEADLINE = "deadline"
    """The time the caller gave ran out."""
    STOPPED = "stopped"
    """This side is shutting down."""


class NotSent(Exception):
    """Not one byte of the request left this process; it may be sent again, here or elsewhere.

    Attributes:
        reason: CONNECT, TLS, BUSY, DEADLINE or STOPPED.
    """

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message, reason)  # both, so that it pickles
        self.message = message
        self.reason = reason

    def __str__(self) -> str:
        return self.message


class Unknown(Exception):
    """The request left, wholly or in part, and its outcome is unknown.

    The other side may have acted on it. Send it again only if doing it twice is harmless
    (RFC 9110, section 9.2.2).

    Attributes:
        reason: CLOSED, MALFORMED, TOO_LARGE, DEADLINE or STOPPED.
    """

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message, reason)
        self.message = message
        self.reason = reason

    def __str__(self) -> str:
        return self.message
