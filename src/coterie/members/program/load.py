"""load_application(): an application by its name, or why it is none."""

import difflib
import importlib
import inspect
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Literal

from .mistake import ProgramMistake

__all__ = ["load_application"]

Kind = Literal["asgi", "wsgi"]

_TAKES = {"asgi": ("scope", "receive", "send"), "wsgi": ("environ", "start_response")}


def load_application(name: str, kind: Kind) -> Any:
    """The application called ``module:name``, or what the factory ``module:name()`` makes.

    The name after the colon may have dots. What it imports is the program's own: its exceptions
    come through as they are.

    Raises `ProgramMistake`, naming the module, the attribute and what was probably meant, for a
    module or an attribute that is not there, a module that the program needs, a factory written without ``()``, an application
    written with them, and an application of the other kind.
    """
    module_name, _, path = name.partition(":")
    path, called = (path[:-2], True) if path.endswith("()") else (path, False)
    if not module_name or not path:
        what = f"{name!r} names no application"
        raise ProgramMistake(what, "Write it like shop.app:app, or shop.app:create_app()")
    found = _attribute(_module(module_name), module_name, path)
    whole = f"{module_name}:{path}"
    if called:
        found = _made(found, whole, kind)
    elif _is_factory(found, kind):
        what = f"{whole} is {_told(found)} that makes an application, and no application itself"
        raise ProgramMistake(what, f'Have it called: {kind} = "{whole}()"')
    _check(found, name, kind)
    return found


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise (_needed(error) if missing else error) from None
        parent = missing.rpartition(".")[0]
        what = f"there is no module {missing}" + (f" in the package {parent}" if parent else "")
        remedy = "Name one that is below its directory, or install its package"
        raise ProgramMistake(what, remedy) from None


def _needed(error: ModuleNotFoundError) -> ProgramMistake:
    """What the program imports, and where: the last of its own lines."""
    lines = traceback.extract_tb(error.__traceback__)
    line = [one for one in lines if not one.filename.startswith("<")][-1]
    package = (error.name or "").partition(".")[0]
    what = f"{line.filename}:{line.lineno}: there is no module {error.name}"
    return ProgramMistake(
        what,
        f"Run `pip install {package}` if that is its name. `asgi` and `wsgi` share the environment of"
        " Coterie; a `command` may have one of its own",
    )


def _attribute(module: Any, module_name: str, path: str) -> Any:
    found, where = module, module_name
    for part in path.split("."):
        missing = object()
        inner = getattr(found, part, missing)
        if inner is missing:
            meant = _near(part, (one for one in dir(found) if not one.startswith("_")))
            what = f"there is no `{part}` in {where}"
            remedy = f"Did you mean {meant}?" if meant else "Name the application that it has"
            raise ProgramMistake(what, remedy)
        found, where = inner, f"{where}.{part}"
    return found


def _near(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    usual = [one for one in ("app", "application", "create_app", "wsgi", "asgi") if one in names]
    longer = [one for one in usual if one.startswith(word) or word.startswith(one)]
    return next(iter([*close, *longer, *usual]), "")


def _made(factory: Any, whole: str, kind: Kind) -> Any:
    if not callable(factory):
        what = f"{whole} is {_told(factory)}, which cannot be called"
        raise ProgramMistake(what, f'Leave the parentheses out: {kind} = "{whole}"')
    needed = _required(factory)
    if needed:
        if _kind_of(factory) is not None:
            what = f"{whole} is an application itself, and no factory"
            raise ProgramMistake(what, f'Leave the parentheses out: {kind} = "{whole}"')
        what = f"the factory {whole} needs arguments: {', '.join(needed)}"
        raise ProgramMistake(what, "Write one that needs none, and name that")
    made = factory()
    if inspect.iscoroutine(made):
        made.close()
        what = f"the factory {whole} is an `async def`"
        raise ProgramMistake(
            what, "Make it a plain `def`; what it awaits belongs into the lifespan"
        )
    if made is None:
        raise ProgramMistake(f"the factory {whole} returned None", "Have it return the application")
    return made


def _check(app: Any, name: str, kind: Kind) -> None:
    if not callable(app):
        what = f"{name} is {_told(app)}, and no application"
        raise ProgramMistake(what, "Name the object that a server would be told to serve")
    other: Kind = "wsgi" if kind == "asgi" else "asgi"
    if _kind_of(app) == other:
        what = f"{name} is {_article(other)} application, and not {_article(kind)} one"
        raise ProgramMistake(what, f'Write {other} = "{name}" instead')


def _kind_of(app: Any) -> Kind | None:
    """What an application can only be, by what its call takes."""
    call = _call_of(app)
    names = _parameters(call)
    if names is None:
        return None
    if inspect.iscoroutinefunction(call):
        return "asgi" if len(names) == 3 or "*" in names else None
    if names[:3] == _TAKES["asgi"]:
        return "asgi"
    return "wsgi" if len(names) == 2 and "*" not in names else None


def _is_factory(found: Any, kind: Kind) -> bool:
    """Whether ``found`` makes an application: a class, or a function that needs no argument."""
    if inspect.isclass(found):
        # A class whose instances are made of a request's arguments is an application by PEP 3333.
        names = _parameters(found)
        return names is None or len([one for one in names if one != "*"]) < len(_TAKES[kind])
    if not (inspect.isfunction(found) or inspect.ismethod(found)):
        return False
    names = _parameters(found)
    return names is not None and "*" not in names and len(names) < 2


def _call_of(app: Any) -> Callable[..., Any]:
    if inspect.isfunction(app) or inspect.ismethod(app) or inspect.isclass(app):
        return app
    bound: Callable[..., Any] = app.__call__
    return bound


def _parameters(call: Any) -> tuple[str, ...] | None:
    """The names of the positional parameters, ``*`` for any number; ``None`` where nobody knows."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    starred = ["*" for one in parameters if one.kind is inspect.Parameter.VAR_POSITIONAL]
    return (*(one.name for one in parameters if one.kind in kinds), *starred)


def _required(call: Any) -> list[str]:
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return []
    many = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        one.name
        for one in parameters
        if one.default is inspect.Parameter.empty and one.kind not in many
    ]


def _told(thing: Any) -> str:
    if inspect.ismodule(thing):
        return "a module"
    if inspect.isclass(thing):
        return "a class"
    if inspect.isfunction(thing):
        return "a function"
    return f"an object of {type(thing).__name__}"


def _article(kind: Kind) -> str:
    return "an ASGI" if kind == "asgi" else "a WSGI"
