"""Size: a number of bytes as people write it."""

import re
from typing import Self

__all__ = ["Size"]

_SIZE = re.compile(r"(\d{1,12}) ?(B|KiB|MiB|GiB)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}


class Size(int):
    """A number of bytes, written as a number or with a binary unit (IEC 80000-13): ``1MiB``."""

    __slots__ = ()

    @classmethod
    def parse(cls, written: object) -> Self:
        """Raises `ValueError` for anything but a number above zero, alone or with a unit."""
        found = _SIZE.fullmatch(str(written)) if type(written) in (int, str) else None
        if found is None or int(found[1]) == 0:
            raise ValueError('a number of bytes above zero, such as 1048576 or "1MiB"')
        return cls(int(found[1]) * _UNITS[(found[2] or "").lower()])
