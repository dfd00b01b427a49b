"""The other end of a connection, for tests that misbehave on it."""

from collections.abc import Iterator

import pytest

from tests.client.http1.peer import Peer, listening


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server that does as the test says."""
    with listening() as peer:
        yield peer
