"""Fixtures for every room's tests."""

import pytest

from tests import engines


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """`postgresql://...` of a real server; the test is skipped where there is none."""
    return engines.postgres_url()
