"""Interrupted: somebody did not want to wait."""

__all__ = ["Interrupted"]


class Interrupted(Exception):
    """A signal came before the system was up, or a second one while it stopped."""
