"""Orders: to manage the orders of products by users."""
