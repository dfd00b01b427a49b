"""The shapes of ASGI 3.0."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

__all__ = ["Application", "Receive", "Scope", "Send"]

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
