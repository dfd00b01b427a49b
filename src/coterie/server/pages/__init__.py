"""Documentation pages: Swagger UI over the system's OpenAPI documents, working offline.

Knows which paths belong to the documentation, where the installed Swagger UI keeps its files, and
what browsers need to show and keep them.

Deliberately knows no contract: documents come in as functions, and are made at first use.
"""

from .pages import Document, Pages

__all__ = ["Document", "Pages"]
