"""OpenAPI: contracts as a document that tools, pages and other people's clients read.

Knows OpenAPI 3.1 and JSON Schema 2020-12, and how this package's REST binding reads arguments
and renders results, which the document must agree with.

Deliberately serves nothing and reads no file: a pure function from descriptions to plain values.
"""

from .document import openapi

__all__ = ["openapi"]
