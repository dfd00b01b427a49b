"""Documents that describe programs: read from files and addresses, in JSON or YAML."""

import http.client
import importlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from coterie.binding.rest.importing import Unreadable

from .mistakes import FAILED, Mistake

__all__ = ["read"]

_LARGEST = 64 * 2**20
# In seconds: for a sign of life, and for all of a document.
_PATIENCE = 20.0
_WHOLE = 120.0
_TYPES = "application/json, application/yaml;q=0.9, */*;q=0.1"


def read(source: str) -> tuple[Any, Callable[[str], Any]]:
    """The document at ``source``, a file or a URL, and what reads those that it refers to.

    Of a file, these are files in its folder or below; of an address, there are none. Raises `Mistake`
    naming ``source`` and the remedy.
    """
    if source.lower().startswith(("http://", "https://")):
        return _decoded(_fetched(source), source), _refused
    if "://" in source:
        raise Mistake(f"{source}: neither http nor https. Name a file, or an address of these two")
    file = Path(source)
    return _decoded(_content(file), source), lambda name: _beside(file, name)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            found = stream.read(_LARGEST + 1)  # of a device, there is no end
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise Mistake(f"{file}: {reason}. Name a file, or an http:// address") from None
    if len(found) > _LARGEST:
        raise Mistake(f"{file} is larger than {_LARGEST >> 20} MiB. Is it the right file?")
    return found


def _fetched(url: str) -> bytes:
    try:
        request = urllib.request.Request(url, headers={"accept": _TYPES})  # noqa: S310  # see `read`
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            found = _all(answer.read1)
    except urllib.error.HTTPError as problem:
        what = f"{url} answers {problem.code}"
        remedy = "Open it in a browser: at which path does the program describe itself?"
        raise Mistake(f"{what}. {remedy}", code=FAILED) from None
    except (ValueError, http.client.InvalidURL) as problem:
        raise Mistake(f"{url}: {problem}. Mend the address") from None
    except (OSError, http.client.HTTPException) as problem:
        reason = getattr(problem, "reason", problem)
        raise Mistake(f"{url}: {reason}. Is the program running?", code=FAILED) from None
    if len(found) > _LARGEST:
        raise Mistake(f"{url} is larger than {_LARGEST >> 20} MiB. Is it the right address?")
    return found


def _all(read: Callable[[int], bytes]) -> bytes:
    """What ``read`` gives, up to one byte too many; `TimeoutError` where it drips for ever."""
    found, until = bytearray(), monotonic() + _WHOLE
    while len(found) <= _LARGEST and (some := read(2**16)):
        found += some
        if monotonic() > until:
            raise TimeoutError(f"it is not all there after {_WHOLE:g} s")
    return bytes(found)


def _refused(name: str) -> Any:
    what, remedy = (
        f"it refers to {name[:80]}",
        "Fetch all files of it, and import the first of them",
    )
    raise Unreadable("", what, remedy)


def _beside(file: Path, name: str) -> Any:
    folder = file.resolve().parent
    other = folder if "\0" in name else (folder / name).resolve()
    if "://" in name or other == folder or not other.is_relative_to(folder):
        what = f"it refers to {name[:80]}, which is not in its folder"
        raise Unreadable("", what, "Put it there, and mend the reference")
    return _decoded(_content(other), str(other))


def _decoded(content: bytes, source: str) -> Any:
    text = content.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] in (b"{", b"["):
        try:
            values = msgspec.json.decode(text)
            json.loads(text, object_pairs_hook=_once, parse_int=len, parse_float=len)
        except _Twice as problem:
            raise Mistake(f"{source}: {problem}", code=FAILED) from None
        except (msgspec.DecodeError, ValueError, RecursionError) as problem:
            raise Mistake(f"{source} is no JSON: {problem}. Mend it there", code=FAILED) from None
        return values
    if text.lstrip()[:1] == b"<":
        what = f"{source} is a page for people, and no OpenAPI document"
        raise Mistake(f"{what}. Name the document that the page shows", code=FAILED)
    return _yaml(text, source)


class _Twice(Exception):
    """A name stands twice in one object: readers differ in which of the two they take."""

    def __init__(self, name: str, line: int | None = None) -> None:
        at = "" if line is None else f"line {line}: "
        super().__init__(f"{at}{name[:80]!r} stands twice in one object. Take one of them out")


def _once(pairs: list[tuple[str, Any]]) -> None:
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            raise _Twice(name)
        names.add(name)


def _yaml(text: bytes, source: str) -> Any:
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError:
        what = f"{source} is YAML, which needs a package more"
        raise Mistake(f"{what}: pip install 'coterie[yaml]'", code=FAILED) from None
    loader = _loader(yaml)(text)
    try:
        node = loader.get_single_node()
        for name, line in _repeated(node):
            raise _Twice(name, line)
        return None if node is None else loader.construct_document(node)
    except _Twice as problem:
        raise Mistake(f"{source}: {problem}", code=FAILED) from None
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        first = str(problem).partition("\n")[0]
        raise Mistake(f"{source} is neither JSON nor YAML: {first}. Mend it there") from None
    finally:
        loader.dispose()


# The words of YAML 1.2 (10.3.2), as OpenAPI has it: in 1.1, which the package reads, `NO` is false,
# 12:30 a number and 2026-11-23 no text. What JSON has no word for, .inf and .nan, stays text.
_WORDS = {
    "merge": (r"<<", "<"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
}
_TAG = "tag:yaml.org,2002:"


def _loader(yaml: Any) -> Any:
    """A safe loader of YAML 1.2; the one in C is ten times as fast, and not everywhere."""
    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    made: Any = type("Loader", (base,), {"yaml_implicit_resolvers": {}})
    for word, (pattern, first) in _WORDS.items():
        made.add_implicit_resolver(_TAG + word, re.compile(f"^(?:{pattern})$"), list(first))
    made.add_constructor(_TAG + "int", _whole)
    return made


def _whole(_: Any, node: Any) -> int:
    return int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10)


def _repeated(root: Any) -> Iterator[tuple[str, int]]:
    """Names that stand twice in one mapping, and their lines."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        inside = getattr(node, "value", None)
        if not isinstance(inside, list) or id(node) in seen:
            continue
        seen.add(id(node))
        pairs: Iterable[Any] = inside if node.id == "mapping" else ()
        names: set[str] = set()
        for key, _ in pairs:
            if isinstance(key.value, str) and key.tag != f"{_TAG}merge":
                if key.value in names:
                    yield key.value, key.start_mark.line + 1
                names.add(key.value)
        waiting += [value for _, value in pairs] if node.id == "mapping" else inside
