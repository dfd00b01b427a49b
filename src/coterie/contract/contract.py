"""Contract and Service: the classes a user derives from."""

from typing import ClassVar

from msgspec import Struct

from .implementation import check_implementation, check_operations
from .problem import ContractError, Problem
from .structure import check_contract
from .words import kebab

__all__ = ["Contract", "Promise", "Service", "contracts_of", "promise_of"]


class Promise(Struct, frozen=True):
    """Name and version under which a contract is known."""

    name: str
    version: str

    @property
    def major(self) -> str:
        """The version's first number."""
        return self.version.split(".", 1)[0]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Contract:
    """What a service promises: operations, events, faults, a version.

    A class that says ``version=`` is a contract; one that derives from contracts and does not is
    an implementation, and must have every operation, with the same parameter names::

        class Orders(Contract, version="1.0"):
            @get("/api/order/{order_id}", faults=[NoSuchOrder])
            async def order(self, order_id: int) -> Order: ...

        class OrderService(Orders):
            async def order(self, order_id: int) -> Order:
                return await self.store.load(order_id)

    The contract is also the type of its clients. ``name=`` is the name on the wire (default: the
    class name in kebab case, without a trailing ``V2``); ``abstract=True`` marks an
    implementation still to be completed by its own subclasses.

    Raises `ContractError` when the class is made, naming every mistake at once.
    """

    __promise__: ClassVar[Promise]
    __implemented__: ClassVar[bool] = False
    __described__: ClassVar[object] = None

    def __init_subclass__(
        cls, *, version: str | None = None, name: str | None = None, abstract: bool = False
    ) -> None:
        super().__init_subclass__()
        if version is not None:
            cls.__promise__ = Promise(name or _named(cls.__name__), version)
            problems = tuple(check_contract(cls, cls.__promise__.name, version))
            if cls.__implemented__:
                kept = tuple(each for base in cls.__bases__ for each in contracts_of(base))
                problems += tuple(check_operations(cls, kept))
            _refuse(f"contract {cls.__qualname__}", problems)
            return
        contracts = contracts_of(cls)
        base = cls.__bases__[0].__name__
        if not contracts and not vars(cls).get("__implemented__"):
            what = "it neither says a version nor derives from a contract that does"
            remedy = f'Write `class {cls.__name__}({base}, version="1.0")`'
            _refuse(f"contract {cls.__qualname__}", (Problem(cls.__qualname__, what, remedy),))
        if name is not None:
            what = f"name={name!r} belongs to a contract, and it is an implementation"
            remedy = (
                f"Drop name=, or say version= too; callers know it as {promise_of(contracts[0])}"
            )
            _refuse(
                f"implementation {cls.__qualname__}", (Problem(cls.__qualname__, what, remedy),)
            )
        if not abstract:
            problems = tuple(check_implementation(cls, contracts))
            _refuse(f"implementation {cls.__qualname__}", problems)


def promise_of(cls: type[Contract]) -> Promise:
    """The name and version ``cls`` declares itself.

    Raises `ContractError` for an implementation, which may keep several promises.
    """
    promise = vars(cls).get("__promise__")
    if not isinstance(promise, Promise):
        what = f"{cls.__qualname__} is no contract"
        remedy = "Use the contract it implements"
        raise ContractError(cls.__qualname__, (Problem(cls.__qualname__, what, remedy),))
    return promise


def contracts_of(cls: type) -> tuple[type[Contract], ...]:
    """The contracts a class keeps: itself if it declares a version, else those it derives from.

    A contract behind another one (version 1 behind the version 2 that extends it) counts only
    where the class names it as a base of its own.
    """
    if "__promise__" in vars(cls):
        return (cls,)
    found: dict[type[Contract], None] = {}
    for base in cls.__bases__:
        found.update(dict.fromkeys(contracts_of(base)))
    return tuple(found)


def _named(name: str) -> str:
    return kebab(name.rstrip("0123456789").removesuffix("V") if _versioned(name) else name)


def _versioned(name: str) -> bool:
    stem = name.rstrip("0123456789")
    return stem != name and stem.endswith("V") and len(stem) > 1


def _refuse(subject: str, problems: tuple[Problem, ...]) -> None:
    if problems:
        raise ContractError(subject, problems)


class Service(Contract):
    """A contract and its implementation in one class, for small services and first examples.

    ::

        class Hello(Service, version="1.0"):
            @get("/hello/{name}")
            async def greet(self, name: str) -> Greeting:
                return Greeting(f"Hello, {name}!")
    """

    __implemented__: ClassVar[bool] = True
