"""``${NAME}`` and ``${NAME:-default}``: values that come from the environment."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from .places import TomlPath

__all__ = ["Interpolation"]

_VARIABLE = re.compile(r"(\$)?\$\{([^{}]*)(\})?")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


class Interpolation:
    """Fills in the variables of every text in a document, and notes where it did.

    ``${NAME:-default}`` takes the default where the variable is missing or empty, as in a shell
    (POSIX, 2.6.2); ``$${`` stands for ``${``. ``complain(path, what, remedy)`` is told of every
    variable that is missing.
    """

    def __init__(
        self, environment: Mapping[str, str], complain: Callable[[TomlPath, str, str], None]
    ) -> None:
        self._environment = environment
        self._complain = complain
        self.filled: set[TomlPath] = set()
        self.missing: set[TomlPath] = set()

    def fill(self, value: Any, path: TomlPath = ()) -> Any:
        """``value`` with every text in it filled in."""
        if isinstance(value, str):
            return self._text(value, path) if "${" in value else value
        if isinstance(value, dict):
            return {key: self.fill(member, (*path, key)) for key, member in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*path, number)) for number, item in enumerate(value)]
        return value

    def _text(self, text: str, path: TomlPath) -> str:
        def replace(found: re.Match[str]) -> str:
            if found[1]:
                return found[0][1:]
            inside = _INSIDE.fullmatch(found[2])
            if not found[3] or inside is None:
                what = f"{found[0]!r} is no variable"
                remedy = "Write ${NAME} or ${NAME:-default}; $${ stands for the signs themselves"
                self._miss(path, what, remedy)
                return found[0]
            self.filled.add(path)
            name, default = inside.groups()
            value = self._environment.get(name)
            if default is not None:
                return value or default
            if value is None:
                remedy = f"Set it, or give a default: ${{{name}:-default}}"
                self._miss(path, f"the environment has no variable {name}", remedy)
                return found[0]
            return value

        return _VARIABLE.sub(replace, text)

    def _miss(self, path: TomlPath, what: str, remedy: str) -> None:
        self.missing.add(path)
        self._complain(path, what, remedy)
