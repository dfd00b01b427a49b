"""Documents that describe programs: read from files and addresses, in JSON or YAML."""

import http.client
import importlib
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from coterie.binding.rest.importing import Unreadable

from .mistakes import FAILED, Mistake

__all__ = ["read"]

_LARGEST = 64 * 2**20
_PATIENCE = 20.0
_TYPES = "application/json, application/yaml;q=0.9, */*;q=0.1"


def read(source: str) -> tuple[Any, Callable[[str], Any]]:
    """The document at ``source``, a file or a URL, and what reads those that it refers to.

    Of a file, these are files in its folder or below; of an address, there are none. Raises `Mistake`
    naming ``source`` and the remedy.
    """
    if urlsplit(source).scheme in ("http", "https"):
        return _decoded(_fetched(source), source), _refused
    if "://" in source:
        raise Mistake(f"{source}: neither http nor https. Name a file, or an address of these two")
    file = Path(source)
    return _decoded(_content(file), source), lambda name: _beside(file, name)


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > _LARGEST:
            raise Mistake(f"{file} is larger than {_LARGEST >> 20} MiB. Is it the right file?")
        return file.read_bytes()
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise Mistake(f"{file}: {reason}. Name a file, or an http:// address") from None


def _fetched(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"accept": _TYPES})  # noqa: S310  # looked at above
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            found: bytes = answer.read(_LARGEST + 1)
    except urllib.error.HTTPError as problem:
        what = f"{url} answers {problem.code}"
        remedy = "Open it in a browser: at which path does the program describe itself?"
        raise Mistake(f"{what}. {remedy}", code=FAILED) from None
    except (OSError, http.client.HTTPException, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        raise Mistake(f"{url}: {reason}. Is the program running?", code=FAILED) from None
    if len(found) > _LARGEST:
        raise Mistake(f"{url} is larger than {_LARGEST >> 20} MiB. Is it the right address?")
    return found


def _refused(name: str) -> Any:
    what, remedy = (
        f"it refers to {name[:80]}",
        "Fetch all files of it, and import the first of them",
    )
    raise Unreadable("", what, remedy)


def _beside(file: Path, name: str) -> Any:
    folder = file.resolve().parent
    other = (folder / name).resolve()
    if "://" in name or not other.is_relative_to(folder):
        what = f"it refers to {name[:80]}, which is not in its folder"
        raise Unreadable("", what, "Put it there, and mend the reference")
    return _decoded(_content(other), str(other))


def _decoded(content: bytes, source: str) -> Any:
    text = content.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] in (b"{", b"["):
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as problem:
            raise Mistake(f"{source} is no JSON: {problem}. Mend it there", code=FAILED) from None
    if text.lstrip()[:1] == b"<":
        what = f"{source} is a page for people, and no OpenAPI document"
        raise Mistake(f"{what}. Name the document that the page shows", code=FAILED)
    return _yaml(text, source)


def _yaml(text: bytes, source: str) -> Any:
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError:
        what = f"{source} is YAML, which needs a package more"
        raise Mistake(f"{what}: pip install 'coterie[yaml]'", code=FAILED) from None
    # The loader in C is ten times as fast, and not everywhere.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, loader)  # a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        first = str(problem).partition("\n")[0]
        raise Mistake(f"{source} is neither JSON nor YAML: {first}. Mend it there") from None
