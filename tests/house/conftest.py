"""A running gateway for the rules that can only be seen from outside."""

from tests.integration.conftest import lasting

__all__ = ["lasting"]
