"""How the documentation is built: `make docs`."""

import logging
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

logging.getLogger("alembic").setLevel(logging.WARNING)  # it announces its plugins to every build

project = "Coterie"
author = "The Coterie authors"
copyright = author  # noqa: A001  (Sphinx names it)
version = release = PROJECT["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "decisions/template.md"]

html_theme = "furo"
html_title = f"Coterie {release}"

# Docstrings: `Name` in single backticks is a name, and a link where there is a page for it.
default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
