"""A registry by its URL."""

from coterie.registry import Instance
from coterie.system.registries import registry_at
from tests.registry.broker import Broker
from tests.registry.conftest import broker

__all__ = ["broker"]


async def test_systems_that_share_a_broker_keep_apart(broker: Broker) -> None:
    """Both have an instance users-1; each finds its own."""
    found = {}
    blue, red = (registry_at(broker.url, name) for name in ("blue", "red"))
    for registry, url in ((blue, "http://127.0.0.1:4001"), (red, "http://127.0.0.1:4002")):
        await registry.start()
        await registry.announce(Instance(service="users", id="users-1", url=url))
    for name, registry in (("blue", blue), ("red", red)):
        found[name] = [i.url for i in (await registry.watch("users")).instances]
        await registry.stop()
    assert found == {"blue": ["http://127.0.0.1:4001"], "red": ["http://127.0.0.1:4002"]}
