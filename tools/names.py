"""Prints every public name of Coterie, one a line: `make names` writes them down for the tests."""

import importlib
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "coterie"


def public_names() -> list[str]:
    """`room.Name` of everything in `__all__`, of the front door and of every room."""
    doors = ["coterie", *sorted(f"coterie.{d.parent.name}" for d in PACKAGE.glob("*/__init__.py"))]
    modules = [importlib.import_module(door) for door in doors]
    return [f"{m.__name__}.{name}" for m in modules for name in sorted(getattr(m, "__all__", ()))]


if __name__ == "__main__":
    print(*public_names(), sep="\n")
