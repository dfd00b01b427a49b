"""Tally: what a policy did to a call, told to whoever counts."""

from typing import Protocol

from coterie.call import Call

__all__ = ["Tally", "untold"]


class Tally(Protocol):
    """Is told what a policy did: what metrics, traces and the console are made of.

    Told only where a policy acted (it retried, opened, refused, answered from its cache), never
    for a call that merely went through. Called on the event loop, in the midst of the call:
    quick, and never raising.
    """

    def __call__(self, policy: str, what: str, call: Call, detail: str = "") -> None:
        """The policy named ``policy`` (its file's name) did ``what`` to ``call``.

        ``what`` is one of a few fixed words a policy, since each becomes a series of its own
        where metrics are kept; whatever varies belongs into ``detail``, which only the trace
        shows. No values of arguments in either.
        """
        ...


def untold(policy: str, what: str, call: Call, detail: str = "") -> None:
    """The tally of a policy that nobody counts."""
