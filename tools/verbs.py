"""What each verb of the command line says of itself, in Markdown. The docs include it."""

from typing import Any

from coterie.cli.verbs import SUMMARIES, _load

__all__ = ["reference"]

_WIDTH = 88


def reference() -> str:
    """A section a verb, with its help as the terminal shows it."""
    return "\n".join(f"### coterie {name}\n\n```text\n{_help(name)}\n```\n" for name in SUMMARIES)


def _help(name: str) -> str:
    command = _load(name)
    context: Any = command.context_class(
        command, info_name=f"coterie {name}", terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    told: str = command.get_help(context)
    return told.strip()
