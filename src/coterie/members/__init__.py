"""Services that ship with Coterie, and could have been written by anyone.

Knows what lives here: `coterie.members.gateway`, the way in where there is no Envoy;
`coterie.members.registry`, where programs of any language register and find each other;
`coterie.members.program`, where programs that know nothing of us join as they are;
`coterie.members.joined`, what such a program adds that wants typed clients.

Deliberately knows no system and no ``coterie.toml``: each member is handed what it needs.
"""

__all__: list[str] = []
