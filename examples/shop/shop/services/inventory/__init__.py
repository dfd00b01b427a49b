"""Inventory: the products, and how many there are."""

from .service import InventoryService

__all__ = ["InventoryService"]
