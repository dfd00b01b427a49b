"""How the documentation is built: `make docs`."""

import logging
import re
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

sys.path.insert(0, str(ROOT))
from tools import settings, verbs  # noqa: E402  (found only now)

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


class CoterieToml(SphinxDirective):
    """``{coterie-toml}``: every key of the file, from the model that reads it."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(settings.reference(), allow_section_headings=True)


class CoterieVerbs(SphinxDirective):
    """``{coterie-verbs}``: what each verb says of itself."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(verbs.reference(), allow_section_headings=True)


# Documents that stand elsewhere, and the pages that show them.
SHOWN = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "start.md",
    "examples/shop/README.md": "shop.md",
}

_LINK = re.compile(r"(?<=\]\()([\w./-]+\.md)(?=[#)])")


def _linked(file: Path, text: str) -> str:
    """``text`` with links to documents, as they stand in the project, turned into links to pages."""

    def page(link: re.Match[str]) -> str:
        meant = (file.parent / link[1]).resolve().relative_to(ROOT).as_posix()
        return "/" + SHOWN.get(meant, meant.removeprefix("docs/"))

    return _LINK.sub(page, text)


def read_page(app: Sphinx, page: str, content: list[str]) -> None:
    """Before a page is read."""
    content[0] = _linked(Path(app.srcdir, page), content[0])


def read_included(app: Sphinx, path: Path, page: str, content: list[str]) -> None:
    """Before a document that stands elsewhere is read."""
    content[0] = _linked(Path(app.srcdir, path), content[0])


def setup(app: Sphinx) -> None:
    """What our pages need besides."""
    app.add_directive("coterie-toml", CoterieToml)
    app.add_directive("coterie-verbs", CoterieVerbs)
    app.connect("source-read", read_page)
    app.connect("include-read", read_included)
