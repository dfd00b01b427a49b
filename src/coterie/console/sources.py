"""Source files of a system: which changes matter, and a stream of them."""

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

__all__ = ["Sources", "changes", "shown"]

_KINDS = (
    *(".py", ".toml", ".json", ".sql", ".html", ".css", ".yaml", ".yml", ".ini", ".jinja", ".sh"),
    # Programs in other languages join too.
    *(".js", ".mjs", ".cjs", ".ts", ".rb", ".go", ".php", ".java", ".pl", ".lua"),
)
_SETTLED = 50  # milliseconds without a change, so that an editor's many are one
_LOOK = 500  # milliseconds


class Sources(DefaultFilter):
    """Lets through what is source in ``folder``, outside of hidden folders and of ``ignore``."""

    def __init__(self, folder: Path, ignore: Sequence[Path]) -> None:
        super().__init__()
        self._folder = folder
        self._ignore = ignore

    def __call__(self, change: Change, path: str) -> bool:
        """Whether a change of ``path`` matters."""
        found = Path(path)
        parts = found.relative_to(self._folder).parts if found.is_relative_to(self._folder) else ()
        return (
            found.suffix in _KINDS
            # Above the folder anything may be hidden; inside, what is hidden is no source.
            and not any(part.startswith(".") for part in parts)
            and not any(found.is_relative_to(folder) for folder in self._ignore)
            and super().__call__(change, path)
        )


def shown(path: Path, folder: Path) -> Path:
    """``path`` relative to ``folder``, where it is inside."""
    whole = folder.resolve()
    return path.relative_to(whole) if path.is_relative_to(whole) else path


def _sources(folder: Path, ignore: Iterable[Path]) -> Sources:
    return Sources(folder.resolve(), [path.resolve() for path in ignore])


async def changes(folder: Path, ignore: Iterable[Path] = ()) -> AsyncIterator[Sequence[Path]]:
    """The source files of ``folder`` that changed, several at a time, without end."""
    matters = _sources(folder, ignore)
    async for found in awatch(folder, watch_filter=matters, step=_SETTLED, rust_timeout=_LOOK):
        yield sorted({Path(path) for _, path in found})
