"""Draws the pictures in the documents from what they are pictures of, so that they stay true.

    python tools/pictures.py            write every picture into its document
    python tools/pictures.py --check    change nothing; exit code 1 if a picture is not true

A picture is the code block below a comment that names it, such as ``<!-- picture: floors -->``.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap

from coterie.contract import promise_of
from coterie.system import ServicePlan, System, load, resolve

__all__ = ["PICTURES", "floors", "main", "put", "services"]

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "coterie"

_WIDTH = 80
_ROOM = 11  # letters of the longest name of a room
_COLUMN = 28


def floors(project: Path = ROOT / "pyproject.toml", package: Path = PACKAGE) -> str:
    """The rooms on their floors, the highest on top, from the import contracts of ``project``."""
    contracts = tomllib.loads(project.read_text())["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(c for c in contracts if c["id"] == "floors")["layers"]
    rooms = [
        [room for room in re.findall(r"\w+", layer) if (package / room).is_dir()]
        for layer in layers
    ]
    rooms = [floor for floor in rooms if floor]
    lines = [f"    ┌{'─' * _WIDTH}┐"]
    for height, floor in zip(range(len(rooms) - 1, -1, -1), rooms, strict=True):
        for number, room in enumerate(floor):
            label = "" if number else str(height)
            lines += _room(label, room, _purpose(package / room))
        lines.append(f"    ├{'─' * _WIDTH}┤")
    lines[-1] = f"    └{'─' * _WIDTH}┘"
    return "\n".join(lines)


def _room(label: str, room: str, purpose: str) -> list[str]:
    first, *rest = wrap(purpose, _WIDTH - _ROOM - 3)
    lines = [f"{label:>3} │ {room:<{_ROOM}} {first:<{_WIDTH - _ROOM - 2}}│"]
    return lines + [f"    │ {'':<{_ROOM}} {more:<{_WIDTH - _ROOM - 2}}│" for more in rest]


def _purpose(room: Path) -> str:
    """The first sentence of a room's own words."""
    told = ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or ""
    return told.split("\n\n")[0].replace("\n", " ").replace("``", "")


def services(system: System) -> str:
    """A system: what each service promises, whom it calls, where it keeps things."""
    plans = [plan for plan in resolve(system) if isinstance(plan, ServicePlan)]
    boxes = [_box(plan) for plan in plans]
    tall = max(map(len, boxes))
    across = (_COLUMN + 1) * len(plans) - 1
    legs = "─".join(f"{'┬' if plan.spec.public else '─':─^{_COLUMN - 2}}──" for plan in plans)
    door = f"gateway {system.gateway.host}:{system.gateway.port}"
    pages = "/docs  /openapi.json  /health" if system.gateway.docs else "/health"
    lines = [
        f"{'browsers, scripts, other programs':^{across}}",
        f"{'│ HTTP':^{across}}",
        f"┌{'─' * (across - 2)}┐",
        f"│ {door}{pages:>{across - len(door) - 4}} │",
        f"└{legs[: across - 2]}┘",
        " ".join(f"┌{'▼' if plan.spec.public else '─':─^{_COLUMN - 2}}┐" for plan in plans),
    ]
    for row in range(tall):
        cells = [box[row] if row < len(box) else "" for box in boxes]
        lines.append(" ".join(f"│ {cell:<{_COLUMN - 4}} │" for cell in cells))
    lines.append(" ".join(f"└{'┬' if p.keeps else '─':─^{_COLUMN - 2}}┘" for p in plans))
    lines.append(" ".join(f"{'▼' if p.keeps else '':^{_COLUMN}}" for p in plans))
    lines.append(" ".join(f"{_kept(system, p):^{_COLUMN}}" for p in plans))
    return "\n".join(line.rstrip() for line in lines)


def _box(plan: ServicePlan) -> list[str]:
    lines = [plan.name, ""]
    for description in plan.descriptions:
        lines += wrap(
            f"promises {description.contract.__name__} {description.version}", _COLUMN - 4
        )
    for contract, name in plan.providers.items():
        whose = "" if name == promise_of(contract).name else f" ({name})"
        lines.append(f"calls {contract.__name__}{whose}")
    events = [event.name for description in plan.descriptions for event in description.events]
    if events:
        lines += wrap(f"tells {', '.join(events)}", _COLUMN - 4, subsequent_indent="      ")
    return lines


def _kept(system: System, plan: ServicePlan) -> str:
    return system.database(plan.spec).rpartition("/")[2] if plan.keeps else ""


def _shop() -> str:
    return services(load(ROOT / "examples" / "shop", environment={}))


PICTURES: dict[str, tuple[Path, Callable[[], str]]] = {
    "floors": (ROOT / "ARCHITECTURE.md", floors),
    "shop": (ROOT / "examples" / "shop" / "README.md", _shop),
}


def put(text: str, name: str, picture: str) -> str:
    """``text`` with ``picture`` at its place. Raises `ValueError` if ``text`` has no such place."""
    place = re.compile(rf"(<!-- picture: {name} -->\n+```text\n).*?^```$", re.DOTALL | re.MULTILINE)
    if place.search(text) is None:
        raise ValueError(f"write <!-- picture: {name} --> and a text block below it")
    return place.sub(lambda found: f"{found[1]}{picture}\n```", text)


def main(arguments: Sequence[str]) -> int:
    """See the module's first lines."""
    untrue: list[str] = []
    for name, (file, draw) in PICTURES.items():
        before = file.read_text()
        after = put(before, name, draw())
        if after != before:
            untrue.append(str(file.relative_to(ROOT)))
            if "--check" not in arguments:
                file.write_text(after)
    if untrue and "--check" in arguments:
        print(f"not true any more: {', '.join(untrue)}; run `python tools/pictures.py`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
