"""The shop's services: each owns its tables, and knows the others by their contracts."""
