"""Rules: who may call an operation, said in the contract, enforced everywhere."""

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct

__all__ = ["Caller", "Rule", "anyone", "authenticated", "owner", "role", "scope"]


class Caller(Protocol):
    """What a rule may know of who calls."""

    @property
    def subject(self) -> str:
        """Who it is (JWT ``sub``)."""
        ...

    @property
    def scopes(self) -> frozenset[str]:
        """What the token allows."""
        ...

    @property
    def roles(self) -> frozenset[str]:
        """What the subject is."""
        ...


class Rule(Struct, frozen=True):
    """A predicate over the caller and the arguments. Combine with ``|`` and ``&``."""

    def allows(self, caller: Caller | None, arguments: Mapping[str, Any]) -> bool:
        """Whether ``caller`` (``None``: nobody known) may call with these ``arguments``."""
        raise NotImplementedError

    @property
    def anonymous(self) -> bool:
        """Whether the rule can hold for a caller nobody knows."""
        return False

    def scopes(self) -> frozenset[str]:
        """The scopes the rule speaks of, for documents."""
        return frozenset()

    def parameters(self) -> frozenset[str]:
        """The parameters the rule reads."""
        return frozenset()

    def __bool__(self) -> bool:
        # `a and b` would be b alone, and silently let more people in.
        raise TypeError("A rule is neither true nor false; combine rules with `|` and `&`")

    def __or__(self, other: "Rule") -> "Rule":
        return AnyOf((self, other))

    def __and__(self, other: "Rule") -> "Rule":
        return AllOf((self, other))


class Anyone(Rule, frozen=True):
    """Nobody is refused."""

    def allows(self, caller: Caller | None, arguments: Mapping[str, Any]) -> bool:
        return True

    @property
    def anonymous(self) -> bool:
        return True

    def __str__(self) -> str:
        return "anyone"


class Authenticated(Rule, frozen=True):
    """Whoever proves who they are."""

    def allows(self, caller: Caller | None, arguments: Mapping[str, Any]) -> bool:
        return caller is not None

    def __str__(self) -> str:
        return "anyone logged in"


class HasRole(Rule, frozen=True):
    """Callers with a role."""

    name: str

    def allows(self, caller: Caller | None, arguments: Mapping[str, Any]) -> bool:
        return caller is not None and self.name in caller.roles

    def __str__(self) -> str:
        return f"role {self.name}"


class HasScope(Rule, frozen=True):
    """Callers whose token carries a scope."""

    name: str

    def allows(self, caller: Caller | None, arguments: Mapping[str, Any]) -> bool:
        return caller is not None and self.name in caller.scopes

    def scopes(self) -> frozenset[str]:
        return frozenset({self.name})

    def __str__(self) -> str:
        return f"scope {self.name}"


class IsOwner(Rule, frozen=True):
    """The caller whose subject equals a parameter, such as ``user_id``."""

    parameter: str

    def allows(self, caller: Caller | None, arguments: Mapping[str, Any]) -> bool:
        if caller is None:
            return False
        value: Any = arguments
        for name in self.parameter.split("."):
            value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        return value is not None and str(value) == caller.subject

    def parameters(self) -> frozenset[str]:
        return frozenset({self.parameter})

    def __str__(self) -> str:
        return f"the owner ({self.parameter})"


class AnyOf(Rule, frozen=True):
    """One of several rules is enough."""

    rules: tuple[Rule, ...]

    def allows(self, caller: Caller | None, arguments: Mapping[str, Any]) -> bool:
        return any(rule.allows(caller, arguments) for rule in self.rules)

    @property
    def anonymous(self) -> bool:
        return any(rule.anonymous for rule in self.rules)

    def scopes(self) -> frozenset[str]:
        return frozenset().union(*(rule.scopes() for rule in self.rules))

    def parameters(self) -> frozenset[str]:
        return frozenset().union(*(rule.parameters() for rule in self.rules))

    def __str__(self) -> str:
        return " or ".join(map(str, self.rules))


class AllOf(Rule, frozen=True):
    """Every one of several rules must hold."""

    rules: tuple[Rule, ...]

    def allows(self, caller: Caller | None, arguments: Mapping[str, Any]) -> bool:
        return all(rule.allows(caller, arguments) for rule in self.rules)

    @property
    def anonymous(self) -> bool:
        return all(rule.anonymous for rule in self.rules)

    def scopes(self) -> frozenset[str]:
        return frozenset().union(*(rule.scopes() for rule in self.rules))

    def parameters(self) -> frozenset[str]:
        return frozenset().union(*(rule.parameters() for rule in self.rules))

    def __str__(self) -> str:
        return " and ".join(f"({rule})" for rule in self.rules)


anyone: Rule = Anyone()
"""Open to all, logged in or not."""

authenticated: Rule = Authenticated()
"""Open to all who proved who they are."""


def role(name: str) -> Rule:
    """Open to callers with the role ``name``."""
    return HasRole(name)


def scope(name: str) -> Rule:
    """Open to callers whose token carries the scope ``name`` (RFC 6749, 3.3)."""
    return HasScope(name)


def owner(parameter: str) -> Rule:
    """Open to the caller whose subject is the value of ``parameter``.

    A dot goes into a struct: ``owner("order.user_id")``.
    """
    return IsOwner(parameter)
