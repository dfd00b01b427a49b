"""Route: one operation at its place."""

from collections.abc import Mapping

from coterie.binding.rest import Endpoint
from coterie.call import Context, refusal
from coterie.contract import Rule
from coterie.policy import Priority

from .host import Host

__all__ = ["Route"]

_SHORT = 1 << 16
"""Octets of a body that are read and thrown away rather than losing the connection for them."""


class Route:
    """One operation at its place: who decodes, who answers; for whom, and how soon.

    ``default`` is the rule where the operation has none; without it nobody asks who calls.
    ``closed`` is the rule that cannot hold for nobody, if it is one.
    """

    __slots__ = ("closed", "endpoint", "host", "id", "priority", "streams")

    def __init__(
        self, endpoint: Endpoint, host: Host, default: Rule | None, priority: Priority
    ) -> None:
        self.endpoint = endpoint
        self.host = host
        self.id = endpoint.operation.id
        self.priority: Priority = priority
        self.streams = endpoint.streams
        rule = endpoint.operation.rule
        if default is None:
            rule = None
        elif rule is None:
            rule = default
        self.closed = None if rule is None or rule.anonymous else rule

    def ask(self, context: Context, headers: Mapping[bytes, bytes]) -> None:
        """Refuse who brings no token where somebody is asked for, before a body is read for them.

        Whether the token is good, and enough, is for policies to say. Raises `Failure` 401.
        """
        if self.closed is None or context.token is not None:
            return
        failure = refusal(self.closed, None)
        length = headers.get(b"content-length", b"0")
        if b"transfer-encoding" in headers or len(length) > 9 or int(length) > _SHORT:
            failure.headers += (("connection", "close"),)
        raise failure
