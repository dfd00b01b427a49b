"""Users: who they are, and how they log in."""

from .service import UserService

__all__ = ["UserService"]
