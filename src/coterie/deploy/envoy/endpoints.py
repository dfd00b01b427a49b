"""Where the instances of a service are: the file that changes while the gateway runs."""

import logging
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from coterie.registry import Instance, InstanceState

from .document import Json, address, resources, typed

__all__ = ["assignment", "endpoints"]

log = logging.getLogger("coterie.gateway")

_WEIGHT = 100
_HEAVIEST = 1_000_000  # the sum of all must fit 32 bits, or Envoy refuses them all


def endpoints(service: str, instances: Iterable[Instance]) -> bytes:
    """The endpoint file of ``service``: who of ``instances`` gets requests.

    Those that are up. Those that are starting only while none is up: their addresses take
    connections already, and a request waits there instead of failing. Those that drain are left
    out: what is under way there ends in its own time. A weight of 0 gets nothing. One whose URL
    has no IP address is left out, and warned of: Envoy would refuse the whole file for it.
    """
    weighty = (i for i in instances if i.service == service and i.weight > 0 and _numbered(i))
    present = sorted(weighty, key=lambda i: i.id)
    up = [i for i in present if i.state is InstanceState.UP]
    starting = [i for i in present if i.state is InstanceState.STARTING]
    taken = [_endpoint(instance) for instance in up or starting]
    return resources([_TYPE | assignment(service, taken)])


_TYPE = typed("envoy.config.endpoint.v3.ClusterLoadAssignment")


def assignment(cluster: str, lb_endpoints: list[Json]) -> Json:
    """The endpoints of one cluster, all in one place."""
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": lb_endpoints}]}


def _numbered(instance: Instance) -> bool:
    """Whether Envoy can be told where it is: its address is a number, as is its port."""
    try:
        parts = urlsplit(instance.url)
        ip_address(parts.hostname or "")
        fits = parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        what = "%s is announced at %r, which is no http://ADDRESS:PORT; the gateway leaves it out"
        log.warning(what, instance.id, instance.url[:200])
    return fits


def _endpoint(instance: Instance) -> Json:
    parts = urlsplit(instance.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {
        "endpoint": {"address": address(parts.hostname or "", port), "hostname": instance.id},
        "load_balancing_weight": max(1, round(min(instance.weight * _WEIGHT, _HEAVIEST))),
    }
