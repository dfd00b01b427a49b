"""How fast Coterie is, beside its peers, in one run, on this machine.

`python -m bench [figure ...] [--quick] [--json]`. README.md in this folder states the method, what
each figure promises and how to add a peer.

Knows: how to start servers and clients on fixed cores, drive them in turn, check every answer,
and tell medians and ratios. Does not know: the inside of any framework; whatever is particular to
a contestant stands in `bench/apps/`. Nothing in `src/` imports from here.
"""
