"""Where a program is: its folder, and the module of its application, found without importing it."""

import importlib.util
from importlib.machinery import PathFinder
from pathlib import Path

from .folder import modules_in
from .model import System
from .problem import Report
from .program_names import check_names
from .specs import ServiceSpec
from .surroundings import directory_of
from .tables import near

__all__ = ["check_place"]


def check_place(system: System, spec: ServiceSpec, report: Report) -> None:
    """Report a folder, or a module, that is not there, and a name that would mean two things.

    Nothing is imported: two programs may have modules of the same name, and each process has its own.
    """
    check_names(system, report)
    directory = directory_of(system, spec)
    if not directory.is_dir():
        what = f"service {spec.name}: there is no folder {spec.directory}"
        remedy = "Name one that is there, relative to this file"
        report.complain(("service", spec.name, "directory"), what, remedy)
    elif spec.kind in ("asgi", "wsgi"):
        module = spec.target.partition(":")[0]
        if not _is_there(module, directory):
            meant = near(module, modules_in(directory))
            where = spec.directory or "this folder"
            remedy = f"Did you mean {meant}?" if meant else "Name the module the application is in"
            what = f"service {spec.name}: there is no module {module} in {where}"
            report.complain(("service", spec.name, spec.kind), what, remedy)


def _is_there(module: str, folder: Path) -> bool:
    """Whether ``module`` is below ``folder``, or its package is installed."""
    first, *rest = module.split(".")
    if PathFinder.find_spec(first, [str(folder)]) is None:
        return importlib.util.find_spec(first) is not None
    place = folder.joinpath(first, *rest)
    # A package may be no folder of its own (an extension, an archive): its loader knows.
    inside = not rest or place.is_dir() or place.with_suffix(".py").is_file()
    return inside or not (folder / first).is_dir()
