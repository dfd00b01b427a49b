"""Reads the text format of Prometheus, strictly: ourselves, and with promtool."""

import re
import shutil
import subprocess
from collections.abc import Iterator

from tests.engines import absent

__all__ = ["Samples", "histograms", "linted", "parsed"]

_METRIC = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
_SAMPLE = re.compile(rf"({_METRIC})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (-?[0-9.e+-]+|\+Inf|NaN)")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> tuple[dict[str, str], Samples]:
    """Types and samples, by the text format 0.0.4; whatever is not in it raises."""
    assert text.endswith("\n")
    types: dict[str, str] = {}
    helped: set[str] = set()
    samples: Samples = {}
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in helped, f"{name} is told twice"
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} is typed twice"
            assert kind in {"counter", "gauge", "histogram", "summary", "untyped"}
            types[name] = kind
        else:
            match = _SAMPLE.fullmatch(line)
            assert match is not None, line
            name, labels, value = match.groups()
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert list(types)[-1] in (name, family), f"{line} stands outside of its family"
            key = (name, frozenset(_PAIR.findall(labels or "")))
            assert key not in samples, f"{line} stands there twice"
            samples[key] = float(value)
    return types, samples


def histograms(
    samples: Samples, family: str = "coterie_call_seconds"
) -> Iterator[tuple[dict[str, str], dict[float, float], float]]:
    """Labels, cumulative buckets and count of each histogram of ``family``."""
    for (name, labels), count in samples.items():
        if name == f"{family}_count":
            buckets = {
                float(dict(other)["le"]): value
                for (other_name, other), value in samples.items()
                if other_name == f"{family}_bucket" and labels < other
            }
            yield dict(labels), buckets, count


def linted(text: str) -> str:
    """What promtool says of ``text``: nothing, where nothing is wrong."""
    if shutil.which("promtool") is None:
        absent("promtool", "it comes with Debian's package prometheus")
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        text=True,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode or done.stderr else ""
