"""What is imported before the first fork, so that no process has to."""

import importlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile
from types import ModuleType

from coterie.identity import SigningKeys

__all__ = ["imported_since", "preload"]

# Ours, and of the libraries below them what would be imported late. None of them starts a thread,
# opens anything, or looks at the environment; whatever is not installed is not needed either.
_HEAVY = (
    "coterie.system.databases",
    "coterie.system.identities",
    "coterie.identity.passwords",
    "aiosqlite",
    "alembic.autogenerate",
    "alembic.runtime.migration",
    "alembic.script",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "uvicorn.lifespan.off",
)


def preload() -> None:
    """Import it."""
    for name in _HEAVY:
        with suppress(ImportError):
            importlib.import_module(name)
    # OpenSSL makes its tables at its first key: 1 MB in each process, or once, here.
    SigningKeys.from_private_jwks(SigningKeys.generate().private_jwks())
    # Last of all from now on, so that whatever is imported later comes after it.
    sys.modules[__name__] = sys.modules.pop(__name__)


def imported_since() -> Sequence[ModuleType]:
    """The modules that were imported after `preload`.

    Found from the end, because to look at a module is to count a reference, which copies the page
    that it lies in: all of them would cost a forked process 4 MB.
    """
    later = list(takewhile(lambda name: name != __name__, reversed(sys.modules)))
    return [sys.modules[name] for name in later]
