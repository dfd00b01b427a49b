"""The rules of the house, each a function from a package's folder to the list of what breaks it.

An entry reads `server/asgi.py:12: what is wrong; what to do`. `test_house.py` holds the real
package against them, and each rule against a planted offence.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePath

__all__ = [
    "VENDORS",
    "environment",
    "foreign_words",
    "front_door",
    "hidden_imports",
    "long_files",
    "rooms",
    "vague_names",
    "vendor_wall",
]

# The vendor wall: which file may import which package that is not ours. A vendor in one file can
# be replaced in one file; so widen a line here only after asking for a port of our own instead.
# An entry is a file, a folder with all that is in it, or "**" for everywhere.
VENDORS: Mapping[str, tuple[str, ...]] = {
    "msgspec": ("**",),  # the language of contracts: types, JSON and MessagePack everywhere
    "alembic": ("store/migrations.py", "store/revisions.py"),
    "argon2": ("identity/passwords.py",),
    "httptools": ("client/http1/connection.py",),
    "nats": ("registry/nats_session.py",),
    "cryptography": ("console/certificate.py",),
    "joserfc": ("identity/keys.py", "identity/tokens.py"),
    "python_multipart": ("binding/rest/form.py",),
    "starlette": (
        "members/registry/server/app.py",
        "members/registry/server/body.py",
        "members/registry/server/reply.py",
        "members/registry/server/watch_route.py",
    ),
    "sqlalchemy": ("store",),  # the room is SQLAlchemy's: its sessions are what services are handed
    "pytest": ("testing/plugin.py",),
    "rich": ("cli/output.py",),
    "typer": ("cli",),  # a file a verb, each with its options
    "uvicorn": ("server/serving.py", "server/protocol.py"),
    "uvloop": ("cli/up.py", "console/supervisor/loop.py"),
    "watchfiles": ("console/reload.py", "console/sources.py"),
}

_LINES = 400
_VAGUE = frozenset({"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"})

# The project speaks of itself alone: not of how, where or from what papers it was made.
_FOREIGN = re.compile(
    r"/work/|/tmp/brief|\bissues? #?\d|\b(?:DESIGN|EXEMPLARS|QUALITY|REQUIREMENTS)\.md"
    r"|\bsubagents?\b|\bLLM\b|\bthe founder\b|\bthis session's\b"
)


def _modules(package: Path) -> Iterator[tuple[PurePath, ast.Module]]:
    for path in sorted(package.rglob("*.py")):
        yield path.relative_to(package), _parsed(path, path.stat().st_mtime_ns)


@cache
def _parsed(path: Path, _: int) -> ast.Module:
    """The module at ``path``, which several rules look at; it is another after a change."""
    return ast.parse(path.read_text(), str(path))


def _imported(node: ast.AST) -> list[str]:
    """Absolute modules that a statement imports, dotted."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        return [node.module]
    return []


def _imports_own(node: ast.AST) -> bool:
    own = any(name.partition(".")[0] == "coterie" for name in _imported(node))
    return own or (isinstance(node, ast.ImportFrom) and node.level > 0)


def vendor_wall(package: Path, allowed: Mapping[str, tuple[str, ...]] = VENDORS) -> list[str]:
    """A vendor's package is imported only in the files that the table names for it."""
    wrong: list[str] = []
    used: set[tuple[str, str]] = set()
    for path, tree in _modules(package):
        for node in ast.walk(tree):
            for vendor in {name.partition(".")[0] for name in _imported(node)}:
                if vendor == "coterie" or vendor in sys.stdlib_module_names:
                    continue
                matching = [glob for glob in allowed.get(vendor, ()) if _matches(path, glob)]
                used.update((vendor, glob) for glob in matching)
                if not matching:
                    line = getattr(node, "lineno", 0)
                    wrong.append(
                        f"{path}:{line}: imports {vendor}, which belongs to"
                        f" {', '.join(allowed.get(vendor, ())) or 'no file'};"
                        " go through that file, or name this one in VENDORS"
                    )
    listed = {(vendor, glob) for vendor, globs in allowed.items() for glob in globs}
    wrong.extend(
        f"{glob}: does not import {vendor} any more; take it out of VENDORS"
        for vendor, glob in sorted(listed - used)
    )
    return wrong


def _matches(path: PurePath, glob: str) -> bool:
    return glob == "**" or path.match(glob) or path.is_relative_to(glob)


def hidden_imports(package: Path) -> list[str]:
    """Our own modules are imported at the top of a file, where the floors can be seen."""
    wrong: list[str] = []
    for path, tree in _modules(package):
        # A `try` at the top of a door is no hiding place: it names the extra that is missing.
        tries = [node for node in tree.body if isinstance(node, ast.Try)]
        top = {id(node) for body in (tree.body, *(t.body for t in tries)) for node in body}
        wrong.extend(
            f"{path}:{node.lineno}: hides an import of our own; move the value type down a floor"
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            and id(node) not in top
            and _imports_own(node)
        )
        wrong.extend(
            f"{path}:{node.lineno}: TYPE_CHECKING hides imports; import at the top"
            for node in ast.walk(tree)
            if (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
            or (isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING")
        )
    return wrong


def front_door(package: Path) -> list[str]:
    """Nobody inside uses the front door: a room imports from the room that has the name."""
    return [
        f"{path}:{node.lineno}: imports from `coterie` itself; name the room"
        for path, tree in _modules(package)
        for node in ast.walk(tree)
        if "coterie" in _imported(node)
        and isinstance(node, ast.Import | ast.ImportFrom)
        and {alias.name for alias in node.names} != {"__version__"}
    ]


def long_files(package: Path) -> list[str]:
    """A file stops at 400 lines: past that it is more than one noun."""
    return [
        f"{path.relative_to(package)}: {lines} lines; which second noun is in it?"
        for path in sorted(package.rglob("*.py"))
        if (lines := len(path.read_text().splitlines())) > _LINES
    ]


def vague_names(package: Path) -> list[str]:
    """A file is named after what is in it."""
    return [
        f"{path.relative_to(package)}: says nothing; name it after its noun"
        for path in sorted(package.rglob("*"))
        if _VAGUE & set(path.stem.lower().strip("_").split("_")) and "__pycache__" not in path.parts
    ]


def environment(package: Path) -> list[str]:
    """The environment is read in `system` only, so settings are seen and checked in one place."""
    words = {"environ", "environb", "getenv", "getenvb"}
    wrong: list[str] = []
    for path, tree in _modules(package):
        if path.parts[0] == "system":
            continue
        for node in ast.walk(tree):
            reads = isinstance(node, ast.Attribute) and node.attr in words
            takes = isinstance(node, ast.ImportFrom) and node.module == "os"
            if reads or (takes and words & {alias.name for alias in _names(node)}):
                line = getattr(node, "lineno", 0)
                wrong.append(f"{path}:{line}: reads the environment; take it as an argument")
    return wrong


def _names(node: ast.AST) -> list[ast.alias]:
    return node.names if isinstance(node, ast.ImportFrom) else []


def rooms(package: Path) -> list[str]:
    """A room says what it is for, and which names it offers."""
    wrong: list[str] = []
    for folder in sorted({path.parent for path in package.rglob("*.py")}):
        door = folder / "__init__.py"
        name = folder.relative_to(package)
        if not door.is_file():
            wrong.append(f"{name}: has no __init__.py")
            continue
        tree = ast.parse(door.read_text())
        if not ast.get_docstring(tree):
            wrong.append(f"{name}: say in __init__.py what it is for, knows and does not know")
        if "__all__" not in _assigned(tree):
            wrong.append(f"{name}: name what it offers in __all__")
    return wrong


def _assigned(tree: ast.Module) -> set[str]:
    targets: list[ast.expr] = []
    for node in tree.body:
        targets += node.targets if isinstance(node, ast.Assign) else []
        targets += [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def foreign_words(root: Path, files: Iterable[Path] | None = None) -> list[str]:
    """The project speaks of itself alone."""
    return [
        f"{path.relative_to(root)}:{number}: `{found[0]}` is nothing a reader can look up"
        for path in (files if files is not None else sorted(root.rglob("*")))
        if path.is_file()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if (found := _FOREIGN.search(line))
    ]
