"""Which migration comes last, as the files say it: read, not run."""

import re
from pathlib import Path

__all__ = ["written_head"]

_IS = re.compile(r"""^revision(?: *: *str)? *= *["']([^"'\\]+)["'] *(?:#.*)?$""", re.MULTILINE)
_FOLLOWS = re.compile(
    r"""^down_revision(?: *:[^=]*)? *= *(?:None|["']([^"'\\]+)["']) *(?:#.*)?$""", re.MULTILINE
)


def written_head(folder: Path) -> str | None:
    """The one revision of ``folder`` that no other follows.

    ``None`` where the files do not say it so plainly: Alembic, which runs them, knows more.
    """
    follows: dict[str, str | None] = {}
    try:
        for path in folder.glob("*.py"):
            text = path.read_text()
            names, before = _IS.findall(text), list(_FOLLOWS.finditer(text))
            if len(names) != 1 or len(before) != 1 or names[0] in follows:
                return None
            follows[names[0]] = before[0][1]
    except (OSError, UnicodeDecodeError):
        return None
    followed = set(follows.values()) - {None}
    heads = follows.keys() - followed
    return heads.pop() if len(heads) == 1 and followed <= follows.keys() else None
