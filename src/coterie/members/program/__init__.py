"""Programs that know nothing of Coterie, as instances of a system: ASGI, WSGI, or any command.

Knows what stands before a foreign program in its own process: a wrapper that records spans, counts,
logs and answers for health (`Surround`, `Health`), the bridges to what is behind it (`Lifespan` for ASGI, `Wsgi`,
`Relay` and `Program` for a command), how an application is loaded by its name, and how what a program
asks of others stays in its trace (`carry_trace`).

Deliberately knows no ``coterie.toml``, no supervisor and no environment: it is handed ports, folders and
variables. It changes nothing about a program but what `carry_trace` says, where somebody wants that.
"""

from .asgi import Application, Receive, Scope, Send
from .carry import Carrying, carry_trace
from .health import Health, status_of
from .lifespan import Lifespan
from .load import load_application
from .mistake import ProgramMistake
from .own import OWN
from .process import Program
from .relay import Relay
from .surround import Surround
from .wsgi import Wsgi

__all__ = [
    "OWN",
    "Application",
    "Carrying",
    "Health",
    "Lifespan",
    "Program",
    "ProgramMistake",
    "Receive",
    "Relay",
    "Scope",
    "Send",
    "Surround",
    "Wsgi",
    "carry_trace",
    "load_application",
    "status_of",
]
