"""new_migration(): a revision file written from the difference between models and migrations."""

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import DowngradeOps, UpgradeOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, dialects, inspect

from .database import Database
from .layout import lay_out
from .migrations import Folder

__all__ = ["new_migration"]

_NAME = 32  # characters of a revision that Alembic's version table holds
_Defaults = dict[tuple[str, str], str | None]
_NOTHING = "pass"
_FILE = '''"""{message}

Revision {revision}, {follows}.
"""

{imports}revision = "{revision}"
down_revision = {down}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""{upgrade}


def downgrade() -> None:
    """Bring them back to the one before."""{downgrade}
'''


async def new_migration(
    database: Database,
    folder: Path,
    *,
    service: str,
    message: str,
    metadata: MetaData | None,
) -> Path | None:
    """Write the revision that leads from the last one in ``folder`` to ``metadata``.

    What the folder leads to is found out by running it in an empty place beside the data (a
    database in memory, a schema that is never committed): tables of others and the state of
    ``database`` do not matter, only its kind. ``None`` where there is no difference; with
    ``metadata=None`` an empty revision to be written by hand, such as one that moves data.
    """
    known = Folder.made(folder, service)
    upgrade = downgrade = _NOTHING
    if metadata is not None:
        async with database.engine.scratch() as connection:
            defaults = await connection.run_sync(_defaults, metadata)
        async with database.engine.scratch() as connection:
            upgrade, downgrade = await connection.run_sync(_difference, known, metadata, defaults)
        # Not in the greenlet above: CPython before 3.11.9 miscounts the depth of a tree there
        # (python/cpython#106905).
        upgrade, downgrade = _without_comments(upgrade), _without_comments(downgrade)
        if upgrade == _NOTHING:
            return None
    return _write(known, message, upgrade, downgrade)


def _defaults(connection: Connection, metadata: MetaData) -> _Defaults:
    """The server defaults of all columns, in the words of the database itself.

    Alembic compares them by evaluating text, and stumbles over quotes; texts that come from the
    same database for the same default are equal.
    """
    metadata.create_all(connection)
    inspector = inspect(connection)
    return {
        (table.name, column["name"]): column["default"]
        for table in metadata.sorted_tables
        for column in inspector.get_columns(table.name, schema=table.schema)
    }


def _difference(
    connection: Connection, folder: Folder, metadata: MetaData, defaults: _Defaults
) -> tuple[str, str]:
    def differs(
        _: MigrationContext,
        there: Column[Any],
        wanted: Column[Any],
        default: str | None,
        *__: object,
    ) -> bool:
        return defaults.get((wanted.table.name, there.name)) != default

    folder.upgrade(connection)
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": folder.table,
            "compare_type": True,
            "compare_server_default": differs,
            "target_metadata": metadata,
        },
    )
    script = produce_migrations(context, metadata)
    if script.upgrade_ops is None or script.downgrade_ops is None:
        return _NOTHING, _NOTHING
    return _code(context, script.upgrade_ops), _code(context, script.downgrade_ops)


def _code(context: MigrationContext, operations: UpgradeOps | DowngradeOps) -> str:
    # "Batch" is what SQLite needs to alter a table, and plain ALTER everywhere else.
    text = render_python_code(operations, render_as_batch=True, migration_context=context)
    return textwrap.dedent(f"    {text}")


def _without_comments(code: str) -> str:
    return ast.unparse(ast.parse(code))


def _write(folder: Folder, message: str, upgrade: str, downgrade: str) -> Path:
    numbers = [
        int(match[0]) for file in folder.path.glob("*.py") if (match := re.match(r"\d+", file.name))
    ]
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_") or "change"
    revision = f"{max(numbers, default=0) + 1:04}_{slug}"[:_NAME].rstrip("_")
    imports = "".join(f"{line}\n" for line in _imports(f"{upgrade}\n{downgrade}"))
    path = folder.path / f"{revision}.py"
    sentence = message.strip().rstrip(".").replace('"', "'").replace("\\", "/") or "Change"
    text = _FILE.format(
        message=f"{sentence[0].upper()}{sentence[1:]}.",
        revision=revision,
        follows="the first" if folder.head is None else f"follows {folder.head}",
        down="None" if folder.head is None else f'"{folder.head}"',
        imports=f"{imports}\n" if imports else "",
        upgrade=_body(upgrade),
        downgrade=_body(downgrade),
    )
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path


def _body(code: str) -> str:
    """What follows the docstring, which suffices where there is nothing to do."""
    if code == _NOTHING:
        return ""
    return "\n" + "\n".join(lay_out(code, 4)).rstrip()


def _imports(code: str) -> Iterator[str]:
    """The imports that generated code needs, in the order linters want."""
    modules: set[str] = set()
    dialect_names: set[str] = set()
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute):
            path = ast.unparse(node.value)
            root = path.partition(".")[0]
            names.add(root)
            if root in dialects.__all__:
                dialect_names.add(root)
            elif root.isidentifier() and root not in {"sa", "op", "batch_op"}:
                modules.add(path)
    yield from sorted(f"import {module}" for module in modules if _dotted(module))
    if "sa" in names:
        yield "import sqlalchemy as sa"
    if "op" in names:
        yield "from alembic import op"
    for name in sorted(dialect_names):
        yield f"from sqlalchemy.dialects import {name}"


def _dotted(path: str) -> bool:
    return all(part.isidentifier() for part in path.split("."))
