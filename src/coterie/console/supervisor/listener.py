"""Listener: the address of an instance, kept for as long as the system is up."""

import socket as sockets

__all__ = ["Listener"]

_BACKLOG = 2048


class Listener:
    """A socket that listens, or can again at the same port: of the loopback, unless told."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, tls: bool = False) -> None:
        self._socket: sockets.socket | None = None
        self._host = host
        self._port = port
        self._scheme = "https" if tls else "http"

    @property
    def url(self) -> str:
        """Where it listens, or did."""
        everywhere = ("0.0.0.0", "::")  # noqa: S104  # compared with, not listened on
        host = "127.0.0.1" if self._host in everywhere else self._host
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def port(self) -> int:
        """The port, 0 where it was never open and none was asked for."""
        return self._port

    @property
    def socket(self) -> sockets.socket:
        """The socket. Raises `RuntimeError` while it is closed."""
        if self._socket is None:
            raise RuntimeError("open the listener first")
        return self._socket

    def open(self) -> None:
        """Listen, at the port of the first time; connections wait until somebody accepts them.

        Raises `OSError` where another program has taken that port meanwhile.
        """
        if self._socket is not None:
            return
        # The protocol is named, or asyncio takes the connections for something else than TCP and
        # lets the second half of each answer wait 40 ms for the first to be acknowledged.
        family = sockets.AF_INET6 if ":" in self._host else sockets.AF_INET
        opened = sockets.socket(family, sockets.SOCK_STREAM, sockets.IPPROTO_TCP)
        try:
            opened.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
            opened.bind((self._host, self._port))
            opened.listen(_BACKLOG)
            opened.setblocking(False)  # noqa: FBT003  # the socket's own signature
        except OSError:
            opened.close()
            raise
        self._socket = opened
        self._port = opened.getsockname()[1]

    def close(self) -> None:
        """Refuse connections from here on, those that wait too."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
