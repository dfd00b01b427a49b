"""Hooks: what runs at start, at stop, and once per database."""

from coterie.contract import Contract, Service, blocking, hooks, on_start, on_stop, seed


class Parent(Contract, version="1.0"):
    """A contract whose implementations all begin the same way."""


class Warm(Parent):
    def __init__(self) -> None:
        self.done: list[str] = []

    @on_start
    async def first(self) -> None:
        self.done.append("first")

    @on_start
    async def second(self) -> None:
        self.done.append("second")

    @on_stop
    async def close(self) -> None:
        self.done.append("close")

    @seed
    async def products(self) -> None:
        self.done.append("products")

    async def ordinary(self) -> None:
        self.done.append("ordinary")


class Warmer(Warm):
    @on_start
    async def third(self) -> None:
        self.done.append("third")

    async def second(self) -> None:
        self.done.append("second, better")


async def test_hooks_run_in_the_order_they_stand() -> None:
    """Of one kind, and only those marked."""
    service = Warm()
    for hook in hooks(service, "start"):
        await hook()
    assert service.done == ["first", "second"]


async def test_each_kind_stands_alone() -> None:
    service = Warm()
    for kind in ("stop", "seed"):
        for hook in hooks(service, kind):
            await hook()
    assert service.done == ["close", "products"]


async def test_inherited_hooks_run_first_and_may_be_replaced() -> None:
    """An override need not be marked again: what a parent does at start, its children do."""
    service = Warmer()
    for hook in hooks(service, "start"):
        await hook()
    assert service.done == ["first", "second, better", "third"]


async def test_a_hook_may_run_in_a_thread() -> None:
    """`@blocking` goes under the mark, as everywhere."""
    done: list[str] = []

    class Loader(Service, version="1.0"):
        @on_start
        @blocking
        def load(self) -> None:
            done.append("loaded")

    [load] = hooks(Loader(), "start")
    await load()
    assert done == ["loaded"]


def test_without_marks_there_is_nothing_to_run() -> None:
    class Plain(Service, version="1.0"):
        async def start(self) -> None: ...

    assert hooks(Plain(), "start") == ()
