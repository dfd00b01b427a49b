"""The shop: users, orders and inventory."""
