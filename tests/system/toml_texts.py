"""TOML texts for property tests: valid ones of every shape, and such as users might write."""

import json
from typing import Any

from hypothesis import strategies as st
from msgspec import structs

from coterie.system import TABLES

__all__ = ["documents", "nearly_right", "systems"]

_BARE = st.text(alphabet="abcz09_-", min_size=1, max_size=6)
_ODD = st.text(alphabet="a .=[]#'é", max_size=5).map(json.dumps)
_KEYS = st.one_of(_BARE, _BARE, _ODD)
_BLANK = st.sampled_from(["", " ", "\n", "# [a] = 'x\n", "\n\n  "])
_PLAIN = st.sampled_from(
    [
        "1",
        "-0.5e3",
        "true",
        "inf",
        "1979-05-27T07:32:00Z",
        "1979-05-27 07:32:00",
        '"a # ] } = \\" b"',
        "'a \\'",
        '"""\n[x]\n\\"""\n"" y """',
        "'''\n]]\n''''",
        '""',
        "''",
    ]
)


@st.composite
def _values(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.integers(0, 4)) if depth else 0
    if kind == 3:
        gap = draw(_BLANK)
        items = draw(st.lists(_values(depth - 1), max_size=3))
        return f"[{gap}{f',{gap}'.join(items)}{gap}]"
    if kind == 4:
        keys = draw(st.lists(_BARE, max_size=3, unique=True))
        return f"{{{', '.join(f'{key} = {draw(_values(depth - 1))}' for key in keys)}}}"
    return draw(_PLAIN)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A valid text: tables, dotted keys, lists of tables, each name once."""
    lines: list[str] = []
    for number in range(draw(st.integers(0, 4))):
        # Each table has a root of its own, so that no two declare the same.
        name = f"t{number}." + ".".join(draw(st.lists(_KEYS, min_size=1, max_size=3)))
        many = draw(st.integers(0, 2))
        for _ in range(max(1, many)):
            lines.append(f"[[{name}]]" if many else f"[ {name} ]")
            for key in draw(st.lists(_BARE, max_size=3, unique=True)):
                dotted = f"{key} . {draw(_KEYS)}" if draw(st.booleans()) else key
                lines.append(f"{dotted} = {draw(_values())}{draw(_BLANK)}")
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


_WORDS = st.sampled_from(
    [
        "system",
        "service",
        "gateway",
        "engines",
        "identity",
        "policy",
        "profile",
        "name",
        "port",
        "implements",
        "settings",
        "cors",
        "body_limit",
        "timeout",
        "a",
        "database",
        "uses",
        "dev",
    ]
)
_ANY: st.SearchStrategy[Any] = st.recursive(
    st.none().map(lambda _: "${A}")
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["shop", "a.b:C", "1MiB", "${B:-3}", "${", "{x}", "*", ""])
    | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(_WORDS, inside, max_size=4),
    max_leaves=12,
)


def systems() -> st.SearchStrategy[str]:
    """Texts in the words of ``coterie.toml``, mostly wrong in some way."""
    return st.dictionaries(_WORDS, _ANY, max_size=6).map(
        lambda values: "\n".join(f"{key} = {_written(value)}" for key, value in values.items())
    )


_KEYS_OF = [
    (f"service.{name}" if name == "service" else name, field.encode_name)
    for name, struct in TABLES.items()
    for field in structs.fields(struct)
]


@st.composite
def nearly_right(draw: st.DrawFn) -> str:
    """A right system with one or two values that may be anything."""
    tables: dict[str, dict[str, str]] = {
        "system": {"name": '"shop"'},
        "service.service": {"implements": '"a.b:C"'},
    }
    for table, key in draw(st.lists(st.sampled_from(_KEYS_OF), min_size=1, max_size=2)):
        profile = draw(st.sampled_from(["", "", "profile.dev."]))
        tables.setdefault(profile + table, {})[key] = _written(draw(_ANY))
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in members.items())
        for name, members in tables.items()
    )


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_written(member)}' for key, member in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(value), f"{value:f}")
    return json.dumps(value)
