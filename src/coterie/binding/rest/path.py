"""The path of a request as the gateway reads it: one spelling for every way to write it."""

import re

from coterie.call import Failure
from coterie.contract import Code

__all__ = ["UNREADABLE", "normal_path"]

UNREADABLE = "This is no HTTP request that can be read in one way only"
"""What a client is told of a request that two readers could take for two different ones."""

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DOTS = (".", "..")
_BARE = re.compile(r'["<>^`{|}]')  # what a path may hold escaped only (RFC 3986, 3.3)
_ODD = re.compile(r'/\.|[%\\"<>^`{|}]')


def normal_path(path: str) -> str:
    r"""``path`` without needless escapes, with those it needs, without dot segments.

    The normal form of RFC 3986, 6.2.2, but for the case of an escape's digits.

    A backslash counts as a slash, and ``..;x`` as ``..``: some programs take them for that, and
    what leads elsewhere for the one who answers than for the one who let it in is a way round
    the second. Empty segments, and slashes in escapes, stay as they are.

    Raises `Failure` 400 for a path that holds NUL.
    """
    if not _ODD.search(path):
        return path
    if "%00" in path:
        close = (("connection", "close"),)
        raise Failure(Code.INVALID_ARGUMENT, UNREADABLE, headers=close)
    kept: list[str] = []
    dots = ""
    for piece in path.replace("\\", "/").split("/")[1:]:
        plain = _BARE.sub(_escaped, _ESCAPE.sub(_unescaped, piece))
        dots = plain if plain in _DOTS else piece.partition(";")[0]
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(plain)
    if dots in _DOTS:
        kept.append("")  # what ended in a dot segment is a folder
    return "/" + "/".join(kept)


def _escaped(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02X}"


def _unescaped(found: re.Match[str]) -> str:
    sign = chr(int(found[1], 16))
    return sign if sign in _UNRESERVED else found[0]
