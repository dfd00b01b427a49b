"""From ``[chaos] workload = "package.module:Class"`` to the class."""

import importlib
import sys

from .folder import modules_in
from .model import System
from .problem import Problem, SystemProblems
from .tables import near

__all__ = ["find_workload"]


def find_workload(system: System) -> type:
    """The class that uses ``system`` while it is harmed.

    Puts the system's folder on ``sys.path``, and leaves it there. Raises `SystemProblems` where
    there is none.
    """
    if system.chaos is None:
        remedy = 'Write [chaos] and below it workload = "package.module:Class"'
        raise _problem(system, f"{system.name} names no workload to be harmed under", remedy)
    folder = str(system.folder)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    module_name, _, name = system.chaos.workload.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        what = f"[chaos] workload: {module_name} cannot be imported: {error}"
        meant = near(module_name, modules_in(system.folder))
        remedy = f"Did you mean {meant}?" if meant and meant != module_name else "Mend it there"
        raise _problem(system, what, remedy) from error
    found = getattr(module, name, None)
    if not isinstance(found, type):
        meant = near(name, vars(module))
        remedy = f"Did you mean {meant}?" if meant else f"Write a class {name} there"
        raise _problem(system, f"[chaos] workload: {module_name} has no class {name}", remedy)
    for method in ("attempt", "audit"):
        if not callable(getattr(found, method, None)):
            what = f"[chaos] workload: {name} has no {method}"
            raise _problem(system, what, f"Write `async def {method}` in it")
    return found


def _problem(system: System, what: str, remedy: str) -> SystemProblems:
    line = system.places.line("chaos", "workload")
    return SystemProblems([Problem(system.places.file, line, what, remedy)])
