"""merged(): the metrics of many processes as one text that Prometheus reads."""

import re
from collections.abc import Iterable, Sequence

from coterie.console.row import Row

__all__ = ["merged"]

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+(?:\s+-?\d+)?)\s*")
_ENDINGS = ("_bucket", "_sum", "_count", "_total")
_TAKEN = re.compile(r"(^|,\s*)instance=")


class _Family:
    """All samples of one metric; what it is and means is said once."""

    __slots__ = ("help", "kind", "samples")

    def __init__(self) -> None:
        self.help = ""
        self.kind = ""
        self.samples: list[str] = []


def merged(texts: Iterable[tuple[str, bytes]], rows: Sequence[Row] = ()) -> bytes:
    """The text of each instance with ``instance="name"`` added to its samples, families together.

    A family whose type differs from the one told first is left out for that instance. ``rows``
    add what is known of each process from outside.

    Source: Prometheus text exposition format 0.0.4.
    """
    families: dict[str, _Family] = {}
    for name, text in texts:
        _take(families, _escaped(name), text.decode(errors="replace"))
    _outside(families, rows)
    lines: list[str] = []
    for name, family in families.items():
        if not family.samples:
            continue
        if family.help:
            lines.append(f"# HELP {name} {family.help}")
        if family.kind:
            lines.append(f"# TYPE {name} {family.kind}")
        lines += family.samples
    return ("\n".join(lines) + "\n").encode()


def _take(families: dict[str, _Family], instance: str, text: str) -> None:
    kinds: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            parts = line.split(None, 3)
            if len(parts) == 4 and parts[1] in ("HELP", "TYPE"):
                family = families.setdefault(parts[2], _Family())
                if parts[1] == "TYPE":
                    kinds[parts[2]] = parts[3].strip()
                    family.kind = family.kind or parts[3].strip()
                else:
                    family.help = family.help or parts[3]
            continue
        match = _SAMPLE.fullmatch(line)
        if match is None:
            continue
        name, labels, value = match.groups()
        owner = _owner(name, kinds)
        family = families.setdefault(owner, _Family())
        if family.kind == kinds.get(owner, family.kind):
            labels = _TAKEN.sub(r"\1exported_instance=", labels or "").strip().rstrip(",")
            more = f",{labels}" if labels else ""
            family.samples.append(f'{name}{{instance="{instance}"{more}}} {value}')


def _owner(name: str, kinds: dict[str, str]) -> str:
    if name not in kinds:
        for ending in _ENDINGS:
            if name.endswith(ending) and name.removesuffix(ending) in kinds:
                return name.removesuffix(ending)
    return name


def _outside(families: dict[str, _Family], rows: Sequence[Row]) -> None:
    for name, kind, told, value in (
        ("coterie_instance_up", "gauge", "1 while the process is up.", lambda r: int(r.state == "up")),
        ("coterie_instance_memory_bytes", "gauge", "Proportional share of memory.", lambda r: r.memory),
        ("coterie_instance_restarts_total", "counter", "How often it was restarted.", lambda r: r.restarts),
    ):  # fmt: skip
        family = families.setdefault(name, _Family())
        family.kind, family.help = kind, told
        for row in rows:
            found = value(row)
            if found is not None:
                labels = f'instance="{_escaped(row.name)}",kind="{row.kind}"'
                family.samples.append(f"{name}{{{labels}}} {found}")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
