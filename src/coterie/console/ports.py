"""The gateway's port: free, or a problem that says what to do."""

import errno

from coterie.server import HttpServer, PortTaken
from coterie.system import Problem, System, SystemProblems

__all__ = ["free_port", "listen"]


def listen(server: HttpServer, system: System) -> None:
    """Take the port of the gateway. Raises `SystemProblems`."""
    try:
        server.listen()
    except PortTaken as error:
        gateway = system.gateway
        reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
        what = f"the gateway cannot listen on {gateway.host}:{gateway.port}: {reason}"
        remedy = "Choose an address of this machine, or 0.0.0.0 for every one"
        if error.errno == errno.EADDRINUSE:
            remedy = (
                f"Stop what uses it (`ss -ltnp 'sport = :{gateway.port}'` shows it), or take"
                " another: --port 0 finds a free one"
            )
        elif error.errno == errno.EACCES:
            remedy = "Take a port above 1023: those below are the administrator's"
        line = system.places.line("gateway", "port")
        raise SystemProblems([Problem(system.places.file, line, what, remedy)]) from error


def free_port(system: System) -> int:
    """The port of the gateway, free at this moment; one of the kernel's choice for port 0.

    Raises `SystemProblems`, before anything else is done.
    """
    server = HttpServer(None, host=system.gateway.host, port=system.gateway.port)
    listen(server, system)
    server.release()
    return server.port
