"""files(): everything Envoy reads, from a system's inventory and its edge."""

from collections.abc import Mapping, Sequence

from coterie.deploy.routes import passages_of, patience_of, routes_of
from coterie.system import Inventory

from .bootstrap import bootstrap
from .clusters import clusters
from .document import resources
from .edge import Edge, Endpoint
from .endpoints import endpoints
from .inside import inside
from .listener import gateway
from .routes import routes

__all__ = ["files"]


def files(
    inventory: Inventory, edge: Edge, known: Mapping[str, Sequence[Endpoint]] | None = None
) -> dict[str, bytes]:
    """Path below ``edge.folder`` -> content. The same arguments give the same octets.

    ::

        bootstrap.json       what `envoy -c` is started with
        lds.json             the listener: limits, TLS, CORS, its own answers; and one a service
                             that is reached from inside
        rds.json             the route table
        cds.json             a cluster a service that is public, or reached from inside
        eds/{service}.json   its instances: none yet, until `endpoints` says otherwise

    Services that are ``known`` are always at the same place, so they have no endpoint file.
    Raises `ValueError` where ``edge.cors`` names what is no origin.
    """
    known = known or {}
    table = routes_of(inventory)
    longest = max([edge.timeout, *(route.timeout or 0 for route in table)])
    reached = [one for one in inventory.services if one.public or one.name in edge.inside]
    listeners = [gateway(edge, longest)]
    listeners += [
        inside(one.name, edge.inside[one.name], patience_of(one, edge.timeout), edge)
        for one in reached
        if one.name in edge.inside
    ]
    return {
        "bootstrap.json": bootstrap(edge),
        "lds.json": resources(listeners),
        "rds.json": routes(table, passages_of(inventory), edge),
        "cds.json": clusters(reached, edge, known),
        **{
            f"eds/{service.name}.json": endpoints(service.name, ())
            for service in reached
            if service.name not in known
        },
    }
