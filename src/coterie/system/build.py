"""Builds one service and all it is made of, by the types of the constructors' parameters."""

from collections.abc import Callable
from typing import Any

from .recipe import Argument, Recipe

__all__ = ["Workshop"]


class Workshop:
    """Where one service is built: each class once, as long-lived as the service.

    ``provide`` gives what is not built here (clients, the database, ...); `parts` are the
    objects built so far, each after those it is made of.
    """

    def __init__(self, provide: Callable[[Argument], Any]) -> None:
        self._provide = provide
        self._built: dict[type, Any] = {}

    @property
    def parts(self) -> tuple[object, ...]:
        """Everything built, in order."""
        return tuple(self._built.values())

    def build(self, recipe: Recipe) -> Any:
        """An instance of the recipe's class. Raises what the constructors raise."""
        if recipe.cls in self._built:
            return self._built[recipe.cls]
        named: dict[str, Any] = {}
        for argument in recipe.arguments:
            want = argument.want
            value = self.build(want) if isinstance(want, Recipe) else self._provide(argument)
            if value is not None or argument.required:  # else its own default is better
                named[argument.name] = value
        self._built[recipe.cls] = made = recipe.cls(**named)
        return made
