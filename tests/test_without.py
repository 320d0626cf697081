"""Importing without what is only loaded because it is there."""

import sys
from types import ModuleType

import pytest

from gateway.without import without


def test_a_library_is_not_found_inside_and_found_again_after() -> None:
    with without("antigravity"), pytest.raises(ImportError):
        import antigravity  # noqa: F401

    assert "antigravity" not in sys.modules


def test_what_is_loaded_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("a_library")
    monkeypatch.setitem(sys.modules, "a_library", library)

    with without("a_library"):
        assert sys.modules["a_library"] is library

    assert sys.modules["a_library"] is library


def test_a_failing_import_hides_nothing_for_longer() -> None:
    with pytest.raises(ImportError), without("antigravity"):
        raise ImportError

    assert "antigravity" not in sys.modules
