"""What a service is, as its table says it: one kind, and the keys that belong to that kind."""

import re
from collections.abc import Collection

from .program_specs import KINDS, PATH, PROGRAM_KEYS
from .specs import ServiceSpec
from .tables import Tables

__all__ = ["check_keys", "check_kind"]

_OURS = ("uses", "settings", "database", "migrations")


def check_kind(tables: Tables, name: str, keys: Collection[str]) -> bool:
    """Whether ``keys`` say what the service called ``name`` is: one thing. Reported, where not."""
    path = ("service", name)
    given = [kind for kind in KINDS if kind in keys]
    if not given:
        what = f"[service.{name}] says neither implements nor asgi, wsgi or command"
        tables.complain(path, what, 'Add implements = "shop.services.orders:OrderService"')
    elif len(given) > 1:
        what = f"[service.{name}] says {' and '.join(given)}, and can be one of them"
        tables.complain((*path, given[1]), what, "Keep the one that it is")
    return len(given) == 1


def check_keys(tables: Tables, spec: ServiceSpec, keys: Collection[str]) -> bool:
    """Whether all ``keys`` of the table of ``spec`` fit what it is. Reported, where not."""
    if spec.kind == "implements":
        return _none(tables, spec, keys, PROGRAM_KEYS, "belongs to asgi, wsgi or command")
    fit = _none(tables, spec, keys, _OURS, "belongs to a class, with implements")
    if spec.kind != "command":
        fit &= _none(tables, spec, keys, ("port",), "belongs to command")
    if spec.kind != "wsgi":
        fit &= _none(tables, spec, keys, ("threads",), "belongs to wsgi")
    wrong = [
        check for check in (_command, _mount, _promises, _alone, _told) if not check(tables, spec)
    ]
    return fit and not wrong


def _none(
    tables: Tables, spec: ServiceSpec, keys: Collection[str], wrong: Collection[str], where: str
) -> bool:
    found = [key for key in wrong if key in keys]
    for key in found:
        what = f"[service.{spec.name}] {key} {where}, and this is {spec.kind}"
        tables.complain(("service", spec.name, key), what, "Take the line out")
    return not found


def _command(tables: Tables, spec: ServiceSpec) -> bool:
    path = ("service", spec.name, "command")
    try:
        words = spec.words
    except ValueError:
        what = f"[service.{spec.name}] command has a quotation that does not end"
        tables.complain(path, what, 'Close it, or write a list: ["node", "server.js"]')
        return False
    if spec.command is not None and not words:
        tables.complain(path, f"[service.{spec.name}] command is empty", "Name a program")
        return False
    return True


def _mount(tables: Tables, spec: ServiceSpec) -> bool:
    given = spec.mount if isinstance(spec.mount, dict) else {spec.mount or "/": "/"}
    wrong = [path for pair in given.items() for path in pair if not re.match(PATH, path)]
    for path in wrong:
        what = f"[service.{spec.name}] mount: {path[:40]!r} is no path that begins with / and ends without"
        tables.complain(("service", spec.name, "mount"), what, 'For example mount = "/legacy"')
    if given:
        return not wrong
    what = f"[service.{spec.name}] mount is an empty table"
    tables.complain(("service", spec.name, "mount"), what, "Take it out; or say public = false")
    return False


def _promises(tables: Tables, spec: ServiceSpec) -> bool:
    if not spec.operation or spec.contracts:
        return True
    what = f"[service.{spec.name}.operation] speaks of operations, and it has no contract"
    remedy = 'Say what it promises: contracts = ["package.module:Contract"]'
    tables.complain(("service", spec.name, "operation"), what, remedy)
    return False


def _alone(tables: Tables, spec: ServiceSpec) -> bool:
    if spec.port is None or spec.replicas == 1:
        return True
    what = f"[service.{spec.name}] has replicas, and a port that only one of them can have"
    remedy = "Take port out, and have the program listen on $PORT; or keep replicas = 1"
    tables.complain(("service", spec.name, "port"), what, remedy)
    return False


def _told(tables: Tables, spec: ServiceSpec) -> bool:
    if spec.kind != "command" or "PORT" not in spec.environment:
        return True
    what = (
        f"[service.{spec.name}] environment says PORT, and which one a command gets is chosen anew"
    )
    remedy = "Take it out; or say port = ..., if it listens there whatever it is told"
    tables.complain(("service", spec.name, "environment"), what, remedy)
    return False
