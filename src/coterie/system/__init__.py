"""A system: what ``coterie.toml`` says, checked, and built into running parts."""

__all__: list[str] = []
