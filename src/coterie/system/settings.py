"""``settings`` of a service -> the structs that its constructors ask for."""

import re
from typing import Any

import msgspec
from msgspec import Struct, structs

from .model import System
from .plan import ServicePlan
from .problem import Report
from .recipe import Settings
from .tables import near

__all__ = ["fill_settings"]

_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_LACKS = re.compile(r"Object missing required field `(.+)`")


def fill_settings(system: System, service: ServicePlan, report: Report) -> dict[type[Struct], Any]:
    """The structs, filled; every key that fits none of them and every wrong value is reported.

    A struct with a default is filled only where the settings hold one of its keys.
    """
    values = service.spec.settings
    base = ("service", service.name, "settings")
    keys = {s: {field.encode_name for field in structs.fields(s)} for s in service.structs}
    known = set().union(*keys.values())
    for key in values:
        if key not in known:
            meant = near(key, known)
            remedy = f"There are {', '.join(sorted(known))}"
            if meant is not None:
                remedy = f"Did you mean {meant}?"
            elif not keys:
                remedy = "Let its constructor ask for a Struct of your own, and it is filled"
            what = f"service {service.name}: no constructor of it asks for the setting {key}"
            report.complain((*base, key), what, remedy)
    required = {
        argument.want.struct
        for argument in service.recipe.wants()
        if isinstance(argument.want, Settings) and argument.required
    }
    filled: dict[type[Struct], Any] = {}
    strict = not system.places.varies(*base)
    for struct, fields in keys.items():
        if struct in required or not fields.isdisjoint(values):
            try:
                filled[struct] = msgspec.convert(values, struct, strict=strict)
            except msgspec.ValidationError as error:
                _misfit(service, struct, str(error), report)
    return filled


def _misfit(service: ServicePlan, struct: type[Struct], message: str, report: Report) -> None:
    found = _AT.fullmatch(message)
    told, inside = (found["what"], found["path"] or "") if found else (message, "")
    steps = [name or int(index) for name, index in _STEP.findall(inside)]
    path: tuple[str | int, ...] = ("service", service.name, "settings", *steps)
    lacks = _LACKS.fullmatch(told)
    where = f"settings{inside}"
    if lacks is not None:
        what = f"service {service.name}: {where} lack {lacks[1]}, which {struct.__name__} needs"
        remedy = f"Add {lacks[1]} to the settings, or give the field a default"
    else:
        told = told[:1].lower() + told[1:]
        what = f"service {service.name}: {where} does not fit {struct.__name__}: {told}"
        remedy = "Mend the value, or the type of the field"
    report.complain(path, what, remedy)
