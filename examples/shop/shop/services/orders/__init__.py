"""Orders: who ordered what, and when."""

from .service import OrderService

__all__ = ["OrderService"]
