"""Edge: how the gateway faces the outside."""

from collections.abc import Mapping

from msgspec import Struct

__all__ = ["Edge", "Endpoint", "Tls"]


class Tls(Struct, frozen=True):
    """Paths of two files in PEM form: the certificate with its chain, and its private key."""

    certificate: str
    key: str


class Endpoint(Struct, frozen=True):
    """Where something answers; ``host`` is an address, or a name to look up."""

    host: str
    port: int


class Edge(Struct, frozen=True, kw_only=True):
    """What the gateway listens on, and what it bears. Times are in seconds, sizes in octets.

    ``folder`` is the absolute path that Envoy will find the files in, ``admin`` that of the Unix
    socket it is administrated through, ``log`` the file it writes a line of JSON for each request
    to. ``timeout`` is how long a call may take where its operation says nothing, ``body_limit``
    how large a body may be that is not streamed. ``console``
    answers for documentation, keys and readiness; without one these paths lead nowhere, and the
    gateway is ready while it lives. ``inside`` are ports of the loopback, by service: whoever runs
    beside Envoy reaches that service there, whatever the gateway makes of it.

    Against the slow: ``head_timeout`` for a request's head, ``body_timeout`` for its body besides
    the time of the call, ``idle_timeout`` for a connection, or a stream, on which nothing moves.
    """

    folder: str = "/etc/envoy"
    host: str = "0.0.0.0"  # noqa: S104  # a gateway is there to be reached
    port: int = 8080
    tls: Tls | None = None
    cors: tuple[str, ...] = ()
    timeout: float = 30.0
    body_limit: int = 1 << 20
    docs: bool = True
    console: Endpoint | None = None
    admin: str = "/tmp/envoy.sock"  # noqa: S108  # inside a container; the console gives its own
    log: str = "/dev/stdout"
    connections: int = 10_000
    memory: int = 1 << 30
    head_timeout: float = 10.0
    body_timeout: float = 60.0
    idle_timeout: float = 60.0
    stream_idle_timeout: float = 300.0
    inside: Mapping[str, int] = {}
