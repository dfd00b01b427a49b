"""Trace: which chain of calls this call belongs to (W3C Trace Context)."""

import os
import random
import re

from msgspec import Struct

__all__ = ["Trace"]

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

# Identifiers need to be unlike each other, not secret; a generator of our own leaves alone the
# seed that a test may have set on the global one. Forked processes would all draw the same.
_random = random.Random()  # noqa: S311  # not for secrets
_bits = _random.getrandbits
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


class Trace(Struct, frozen=True):
    """One span's place in a trace: 32 and 16 hexadecimal digits, and whether it is recorded.

    ``parent`` is the span that caused this one, ``None`` at the root.
    """

    trace_id: str
    span_id: str
    sampled: bool = True
    parent: str | None = None

    @staticmethod
    def root(*, sampled: bool = True) -> "Trace":
        """A new trace of one span."""
        return Trace(
            _bits(128).to_bytes(16, "big").hex(), _bits(64).to_bytes(8, "big").hex(), sampled
        )

    def child(self) -> "Trace":
        """A new span caused by this one."""
        return Trace(self.trace_id, _bits(64).to_bytes(8, "big").hex(), self.sampled, self.span_id)

    @property
    def traceparent(self) -> str:
        """The header's value, version 00."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"

    @staticmethod
    def parse(traceparent: str) -> "Trace | None":
        """The span named by a header, or ``None`` where the header is malformed.

        A malformed header is ignored, as the recommendation asks (W3C Trace Context, 3.2.2).
        """
        match = _TRACEPARENT.fullmatch(traceparent)
        if match is None:
            return None
        version, trace_id, span_id, flags, more = match.groups()
        unknown = version == "ff" or (version == "00" and more is not None)
        if unknown or trace_id.strip("0") == "" or span_id.strip("0") == "":
            return None
        return Trace(trace_id, span_id, bool(int(flags, 16) & 1))
