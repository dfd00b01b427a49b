"""Budget: how much may be spent on trying again, earned by what succeeds."""

__all__ = ["Budget"]


class Budget:
    """Tokens for the calls of one service: a failure takes one, a success gives ``ratio`` back.

    Retries are allowed while more than half of ``tokens`` are left. So who answers almost always
    is asked again when it does not, and who is dead is asked again a few times in all: its callers
    make no storm of what was a breakdown.

    Shared by every operation of a service, and held by one event loop.

    Raises `ValueError` for numbers with which nothing would ever be counted.

    Source: gRPC, *A6: client retry design*, throttling retry attempts; Google, *Site Reliability
    Engineering*, ch. 21, per-client retry budget.
    """

    __slots__ = ("_half", "full", "ratio", "tokens")

    def __init__(self, ratio: float = 0.1, tokens: float = 10.0) -> None:
        if not 0 <= ratio <= 1:
            raise ValueError(f"ratio={ratio}: say which share of calls may be retries, such as 0.1")
        if not 1 <= tokens < float("inf"):
            raise ValueError(f"tokens={tokens}: take a number of failures, such as 10.0")
        self.ratio = ratio
        self.full = tokens
        self.tokens = tokens
        self._half = tokens / 2

    def __repr__(self) -> str:
        return f"<Budget {self.tokens:.1f} of {self.full:.1f}>"

    def may_retry(self) -> bool:
        """Whether another attempt may be made now."""
        return self.tokens > self._half

    def succeeded(self) -> None:
        """An attempt was answered."""
        self.tokens = min(self.tokens + self.ratio, self.full)

    def failed(self) -> None:
        """An attempt failed in a way that may pass."""
        self.tokens = max(self.tokens - 1.0, 0.0)
