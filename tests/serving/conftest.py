"""`kind` runs a test on both fronts."""

import pytest

from gateway.serving.front import FrontKind
from tests.serving.fronts import KINDS


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> FrontKind:
    front_kind: FrontKind = request.param
    return front_kind
