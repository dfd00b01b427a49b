"""The sixteen codes every failure and fault carries."""

import enum

__all__ = ["Code"]


class Code(enum.Enum):
    """What went wrong, told from its neighbours.

    The set, the names and the HTTP statuses are those of gRPC and Connect
    (``grpc/grpc`` *statuscodes.md*, Connect protocol *Error codes*).
    """

    CANCELLED = "canceled"
    """The caller gave up before the answer."""
    UNKNOWN = "unknown"
    """The other side failed in words we do not understand."""
    INVALID_ARGUMENT = "invalid_argument"
    """Wrong whatever the state of the system: fix the request."""
    DEADLINE_EXCEEDED = "deadline_exceeded"
    """Time ran out; the effect may still have happened."""
    NOT_FOUND = "not_found"
    """What was asked for does not exist."""
    ALREADY_EXISTS = "already_exists"
    """What was to be created exists."""
    PERMISSION_DENIED = "permission_denied"
    """We know who you are, and you may not."""
    RESOURCE_EXHAUSTED = "resource_exhausted"
    """A quota or a limit: come back later."""
    FAILED_PRECONDITION = "failed_precondition"
    """Right in itself, wrong in the present state: change the state first."""
    ABORTED = "aborted"
    """Lost against another change: start the whole unit again."""
    OUT_OF_RANGE = "out_of_range"
    """Beyond the end; would be right in another state."""
    UNIMPLEMENTED = "unimplemented"
    """No such operation here."""
    INTERNAL = "internal"
    """A defect of the service."""
    UNAVAILABLE = "unavailable"
    """Not now: the same call may succeed in a moment."""
    DATA_LOSS = "data_loss"
    """What was stored cannot be read any more."""
    UNAUTHENTICATED = "unauthenticated"
    """We do not know who you are."""

    @property
    def status(self) -> int:
        """The HTTP status this code travels as."""
        return _STATUS[self]

    @property
    def retryable(self) -> bool:
        """Whether the same call, sent again unchanged, may succeed."""
        return self in _RETRYABLE

    @classmethod
    def of_status(cls, status: int) -> "Code":
        """The code that stands for a foreign answer with this HTTP ``status``.

        Source: Connect protocol, *HTTP to error code*; gRPC *http-grpc-status-mapping.md*.
        """
        return _CODE.get(status, cls.UNKNOWN if status < 500 else cls.INTERNAL)


_STATUS = {
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}

_CODE = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    406: Code.INVALID_ARGUMENT,
    408: Code.DEADLINE_EXCEEDED,
    409: Code.ABORTED,
    412: Code.FAILED_PRECONDITION,
    413: Code.RESOURCE_EXHAUSTED,
    415: Code.INVALID_ARGUMENT,
    422: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    499: Code.CANCELLED,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}

_RETRYABLE = frozenset({Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED})
