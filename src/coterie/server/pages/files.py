"""The files of the pages: our own, and those of the installed Swagger UI."""

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from .asset import Asset, made

__all__ = ["MissingFilesError", "asset", "template"]

_HERE = "coterie.server.pages"
_PACKAGE = "swagger-ui-py"
_MODULE = "swagger_ui"

_OURS = {
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}
_THEIRS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}


class MissingFilesError(Exception):
    """Swagger UI is not installed; the message says how to get it."""


@cache
def asset(name: str) -> Asset | None:
    """The file called ``name``, read once; ``None`` if the pages have no such file.

    Raises `MissingFilesError`.
    """
    if name in _OURS:
        return made(_OURS[name], files(_HERE).joinpath("static", name).read_bytes())
    if name in _THEIRS:
        try:
            return made(_THEIRS[name], (_folder() / name).read_bytes())
        except OSError as error:
            raise _missing() from error
    return None


@cache
def template() -> str:
    """The page itself, with ``$names`` to fill in."""
    return files(_HERE).joinpath("static", "docs.html").read_text(encoding="utf-8")


def _folder() -> Path:
    # Only located, never imported: the package's code brings web frameworks that we do not use.
    spec = find_spec(_MODULE)
    for place in (spec and spec.submodule_search_locations) or ():
        return Path(place) / "static"
    raise _missing()


def _missing() -> MissingFilesError:
    return MissingFilesError(f"These pages need Swagger UI: python -m pip install {_PACKAGE}")
