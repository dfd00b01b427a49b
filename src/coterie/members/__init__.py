"""Services that ship with Coterie, and could have been written by anyone.

Knows what lives here: `coterie.members.gateway`, the way in where there is no Envoy.

Deliberately knows no system and no ``coterie.toml``: each member is handed what it needs.
"""

__all__: list[str] = []
