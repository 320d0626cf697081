"""The fakes as pytest fixtures; tests/conftest.py names this module in `pytest_plugins`."""

from collections.abc import Iterator

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def fake_upstream() -> Iterator[FakeUpstream]:
    """A scriptable Gemini on a free port."""
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def clock() -> FakeClock:
    """A clock the test moves."""
    return FakeClock()
