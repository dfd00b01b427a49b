"""For every test, wherever it stands: the blocks of the documents, and what a test proves."""

import pytest

from tests.documents import documents

pytest_plugins = ["pytester"]  # a test of the test kit runs pytest itself

# README.md and the tutorial are tests: their Python blocks are run, in order.
pytest_collect_file = documents.pytest()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Writes the promises a test proves into its report, which also travels between processes."""
    for item in items:
        for marker in item.iter_markers("promise"):
            item.user_properties.extend(("promise", identity) for identity in marker.args)
