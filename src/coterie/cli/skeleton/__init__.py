"""The files of a new system, as templates: ``$name`` is the system, ``$package`` its Python package.

Kept as ``.txt`` so that no tool takes them for code of this package.
"""

__all__: list[str] = []
