"""files(): everything Envoy reads, from a system's inventory and its edge."""

from collections.abc import Mapping, Sequence

from coterie.deploy.routes import routes_of
from coterie.system import Inventory

from .bootstrap import bootstrap
from .clusters import clusters
from .edge import Edge, Endpoint
from .endpoints import endpoints
from .listener import listener
from .routes import routes

__all__ = ["files"]


def files(
    inventory: Inventory, edge: Edge, known: Mapping[str, Sequence[Endpoint]] | None = None
) -> dict[str, bytes]:
    """Path below ``edge.folder`` -> content. The same arguments give the same octets.

    ::

        bootstrap.json       what `envoy -c` is started with
        lds.json             the listener: limits, TLS, CORS, its own answers
        rds.json             the route table
        cds.json             a cluster a public service
        eds/{service}.json   its instances: none yet, until `endpoints` says otherwise

    Services that are ``known`` are always at the same place, so they have no endpoint file.
    Raises `ValueError` where ``edge.cors`` names what is no origin.
    """
    known = known or {}
    table = routes_of(inventory)
    longest = max([edge.timeout, *(route.timeout or 0 for route in table)])
    slow = {service.name: service.slow_start for service in inventory.services if service.public}
    return {
        "bootstrap.json": bootstrap(edge),
        "lds.json": listener(edge, longest),
        "rds.json": routes(table, edge),
        "cds.json": clusters(slow, edge, known),
        **{
            f"eds/{service}.json": endpoints(service, ())
            for service in slow
            if service not in known
        },
    }
