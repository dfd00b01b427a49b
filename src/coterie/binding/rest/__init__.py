"""REST: operations as HTTP requests and responses, problem details, OpenAPI.

Knows HTTP semantics (RFC 9110), problem details (RFC 9457), forms, entity tags, content
negotiation. An `Endpoint` is the server's end of an operation, a `Caller` the client's.

Deliberately knows no socket and no server interface: bytes and headers only.
"""

from .caller import Caller, Outgoing
from .endpoint import Endpoint
from .message import Request, Response
from .path import UNREADABLE, normal_path
from .problem import phrase, problem_reply, problem_type, raised
from .router import Router
from .travel import from_headers, to_headers

__all__ = [
    "UNREADABLE",
    "Caller",
    "Endpoint",
    "Outgoing",
    "Request",
    "Response",
    "Router",
    "from_headers",
    "normal_path",
    "phrase",
    "problem_reply",
    "problem_type",
    "raised",
    "to_headers",
]
