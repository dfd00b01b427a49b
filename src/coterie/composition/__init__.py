"""Services out of services, one folder a way to compose them.

Knows what lives here: `coterie.composition.composite`, one answer made of calls to several others.

Deliberately knows no server, no system and no ``coterie.toml``: it is plain functions and objects
that a service uses inside its methods.
"""

__all__: list[str] = []
