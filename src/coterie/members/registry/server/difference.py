"""Difference: a service of the system as readers see it, and what changed from one look to the next."""

from collections.abc import Sequence

from msgspec import structs

from coterie.registry import Instance, InstanceState

from .changes import Changes
from .described import Described
from .tokens import SYSTEM
from .views import InstanceView, ServiceView, Status

__all__ = ["native_view", "tell"]

_STATUS: dict[InstanceState, Status] = {
    InstanceState.STARTING: "STARTING",
    InstanceState.UP: "UP",
    InstanceState.DRAINING: "DRAINING",
}


def native_view(
    name: str, described: Described | None, instances: Sequence[Instance]
) -> ServiceView:
    """A service of the system's own, which nobody changes over HTTP."""
    told = described or Described(name=name)
    version = told.version or (instances[0].version if instances else "")
    return ServiceView(
        name=name,
        description=told.description,
        owner=told.owner,
        version=version,
        contract=told.contract or None,
        tags=told.tags,
        metadata={},
        registered_by=SYSTEM,
        read_only=True,
        instances=tuple(_native_instance(one) for one in instances),
    )


def _native_instance(one: Instance) -> InstanceView:
    return InstanceView(
        id=one.id,
        url=one.url,
        zone=one.zone,
        weight=one.weight,
        status=_STATUS[one.state],
        lease_ttl=None,
        last_heartbeat=None,
        registered_by=SYSTEM,
        metadata={},
    )


def tell(changes: Changes, before: ServiceView | None, now: ServiceView | None) -> None:
    """Enter in ``changes`` what is different; a heartbeat alone is no difference."""
    either = now or before
    if either is None:
        return
    name, old, new = either.name, _instances(before), _instances(now)
    if now is not None and (before is None or before.summary != now.summary):
        changes.add("service", name, described=now.summary)
    for id_ in sorted(old.keys() - new.keys()):
        changes.add("instance-removed", name, id=id_)
    for id_, instance in new.items():
        if id_ not in old or _silent(old[id_]) != _silent(instance):
            changes.add("instance", name, instance=instance)
    if now is None:
        changes.add("service-removed", name)


def _instances(view: ServiceView | None) -> dict[str, InstanceView]:
    return {} if view is None else {one.id: one for one in view.instances}


def _silent(view: InstanceView) -> InstanceView:
    return structs.replace(view, last_heartbeat=None)
