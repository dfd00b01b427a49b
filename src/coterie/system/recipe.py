"""How a class is built: what each parameter of its constructor is given, found by type alone."""

import inspect
import sys
import types
from collections.abc import Iterator
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from coterie.contract import Contract

__all__ = [
    "Argument",
    "Client",
    "Given",
    "Kept",
    "Misfit",
    "Recipe",
    "Settings",
    "Signing",
    "Verifying",
    "recipe_of",
]


class Client(Struct, frozen=True):
    """A client of a contract."""

    contract: type[Contract]


class Kept(Struct, frozen=True):
    """The database of the service."""


class Signing(Struct, frozen=True):
    """What issues access tokens."""


class Verifying(Struct, frozen=True):
    """What verifies access tokens."""


class Settings(Struct, frozen=True):
    """The service's settings, as a struct of the user's."""

    struct: type[Struct]


class Given(Struct, frozen=True):
    """Something that was made elsewhere and is given instead."""

    cls: type


class Recipe(Struct, frozen=True):
    """A class and what its constructor is called with; one instance a service."""

    cls: type
    arguments: "tuple[Argument, ...]"

    def wants(self) -> "Iterator[Argument]":
        """Every argument of this class and of all that is built for it."""
        for argument in self.arguments:
            yield argument
            if isinstance(argument.want, Recipe):
                yield from argument.want.wants()


class Argument(Struct, frozen=True):
    """One parameter of ``cls``. What is not ``required`` may be left to its default."""

    name: str
    want: Client | Kept | Signing | Verifying | Settings | Given | Recipe
    cls: type
    required: bool


class Misfit(Struct, frozen=True):
    """A parameter that nothing fits: where its constructor stands, what is wrong, what to do."""

    file: str | None
    line: int | None
    what: str
    remedy: str


def recipe_of(cls: type, given: frozenset[type] = frozenset()) -> tuple[Recipe, list[Misfit]]:
    """How to build ``cls``, and every parameter for which there is no way.

    ``given`` are classes of which an instance will be handed in; a contract among them changes
    nothing, for it is a client that is asked for.
    """
    cook = _Cook(given)
    return cook.recipe(cls), cook.misfits


class _Cook:
    def __init__(self, given: frozenset[type]) -> None:
        self.given = given
        self.misfits: list[Misfit] = []
        self.known: dict[type, Recipe] = {}
        self.within: list[type] = []

    def recipe(self, cls: type) -> Recipe:
        if cls in self.known:
            return self.known[cls]
        self.within.append(cls)
        arguments = tuple(self.arguments(cls))
        self.within.pop()
        self.known[cls] = made = Recipe(cls, arguments)
        return made

    def misfit(self, cls: type, what: str, remedy: str) -> None:
        code = getattr(getattr(cls, "__init__", None), "__code__", None)
        file, line = (code.co_filename, code.co_firstlineno) if code else (None, None)
        if file is not None and file.startswith("<"):
            file = line = None  # generated, as that of a dataclass
        self.misfits.append(Misfit(file, line, f"{cls.__name__} {what}", remedy))

    def arguments(self, cls: type) -> Iterator[Argument]:
        try:
            parameters = list(inspect.signature(cls).parameters.values())
            hints = get_type_hints(inspect.getattr_static(cls, "__init__"))
        except NameError as error:
            what = f"asks for a type that does not resolve: {error}"
            self.misfit(cls, what, "Import or define it in that module")
            return
        except (ValueError, TypeError) as error:
            self.misfit(cls, f"cannot be built: {error}", "Give it a constructor with types")
            return
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            required = parameter.default is parameter.empty
            if parameter.kind is parameter.POSITIONAL_ONLY:
                if required:
                    what = f"takes {parameter.name} without its name"
                    self.misfit(cls, what, "Take the / out of its parameters")
                continue
            if parameter.name not in hints:
                if required:
                    what = f"does not say what {parameter.name} is"
                    self.misfit(cls, what, f"Write its type: `{parameter.name}: Orders`")
                continue
            want = self.want(cls, parameter.name, hints[parameter.name], required=required)
            if want is not None:
                yield Argument(parameter.name, want, cls, required)

    def want(self, cls: type, name: str, hint: Any, *, required: bool) -> Any:
        bare = _bare(hint)
        if bare in self.given and not issubclass(bare, Contract):
            return Given(bare)
        known = _known(bare)
        if known is not None:
            return known
        if isinstance(bare, type) and issubclass(bare, Contract):
            if "__promise__" in vars(bare):
                return Client(bare)
            contract = next((b for b in bare.__mro__ if "__promise__" in vars(b)), Contract)
            what = f"asks for {bare.__name__}, which implements a contract"
            remedy = f"Ask for the contract, `{name}: {contract.__name__}`: services are called"
            self.misfit(cls, what, remedy)
            return None
        if not required:
            return None
        return self.part(cls, name, hint, bare)

    def part(self, cls: type, name: str, hint: Any, bare: Any) -> Recipe | None:
        if not _buildable(bare):
            what = f"asks for `{name}: {_shown(hint)}`, which nothing provides"
            remedy = (
                "Ask for a contract, a Database, a Struct (filled from settings) or a class of"
                " yours; or give it a default"
            )
            self.misfit(cls, what, remedy)
            return None
        if bare in self.within:
            ring = " -> ".join(c.__name__ for c in (*self.within[self.within.index(bare) :], bare))
            what = f"asks for {bare.__name__}, which is not built without it: {ring}"
            self.misfit(cls, what, "Let one of them do without the other")
            return None
        return self.recipe(bare)


def _bare(hint: Any) -> Any:
    """The type itself, where the hint says ``X | None``."""
    if get_origin(hint) in (Union, types.UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        return members[0] if len(members) == 1 else hint
    return hint


def _known(bare: Any) -> Kept | Signing | Verifying | Settings | None:
    # Whoever asks for one of these has imported its room, and a system that asks for none is
    # spared the vendors that come with them.
    if _is(bare, "coterie.store", "Database"):
        return Kept()
    if _is(bare, "coterie.identity", "TokenIssuer"):
        return Signing()
    if _is(bare, "coterie.identity", "TokenVerifier"):
        return Verifying()
    if isinstance(bare, type) and issubclass(bare, Struct) and bare is not Struct:
        return Settings(bare)
    return None


def _is(bare: Any, room: str, name: str) -> bool:
    found = getattr(sys.modules.get(room), name, None)
    return found is not None and bare is found


def _buildable(bare: Any) -> bool:
    if not isinstance(bare, type) or issubclass(bare, Enum | BaseException):
        return False
    if inspect.isabstract(bare) or getattr(bare, "_is_protocol", False):
        return False
    return bare.__module__.partition(".")[0] not in sys.stdlib_module_names


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
