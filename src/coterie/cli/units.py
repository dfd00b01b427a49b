"""Bytes and seconds, as people read them."""

__all__ = ["size", "span"]

_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def size(count: int) -> str:
    """``count`` bytes in a binary unit (IEC 80000-13): ``14 MiB``, ``1.5 GiB``."""
    for unit, name in _SIZES:
        if count >= unit:
            digits = 1 if count < 10 * unit else 0
            return f"{count / unit:.{digits}f} {name}"
    return f"{count} B"


def span(seconds: float) -> str:
    """A time of so many ``seconds``: ``42 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"
