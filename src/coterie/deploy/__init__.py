"""Deployment: a system as files for the programs that run it. Pure.

Knows the formats of those programs, a room each: `coterie.deploy.envoy`.

Deliberately runs nothing: `coterie.engine` finds and starts the programs.
"""

from .routes import passages_of, patience_of, routes_of

__all__ = ["passages_of", "patience_of", "routes_of"]
