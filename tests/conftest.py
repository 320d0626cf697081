"""What holds for every test: an ERROR in the log fails it, and where it is demanded so does a skip.

Fixtures of one room live in that room's conftest.py; the scriptable upstream in tests/fakes.
"""

import io
import logging
import os
from collections.abc import Generator, Iterator
from typing import Any

import hypothesis
import pytest

from gateway import log

pytest_plugins = ["tests.fakes.fixtures"]

# Two cores shared with a database and a browser: a deadline for an example would fail at random.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

NO_SKIPS = os.environ.get("REQUIRE_REAL_COMPONENTS", "") not in ("", "0")


def pytest_configure() -> None:
    """Route structlog through the standard library, as in production, but into pytest's own handlers."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    log.configure(level="DEBUG", log_format="json", stream=io.StringIO())
    root.handlers = handlers


@pytest.fixture(autouse=True)
def error_log_guard(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test when anything logs at ERROR, unless it carries `@pytest.mark.logs_errors("why")`.

    Records are seen where they are made, so that a test which replaces the handlers is guarded too.
    """
    make_record = logging.getLogRecordFactory()
    errors: list[str] = []

    def noting(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        # structlog's formatter copies records through this factory, at first without anything in them.
        if record.levelno is not None and record.levelno >= logging.ERROR:
            errors.append(f"{record.name}: {record.getMessage()}")
        return record

    logging.setLogRecordFactory(noting)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make_record)
    if errors and request.node.get_closest_marker("logs_errors") is None:
        pytest.fail("logged at ERROR:\n  " + "\n  ".join(errors), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With REQUIRE_REAL_COMPONENTS set, a skipped test has failed; an expected failure stays what it is."""
    report = yield
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but REQUIRE_REAL_COMPONENTS is set: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself, as `pytest.importorskip` does."""
    report = yield
    if NO_SKIPS and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, but REQUIRE_REAL_COMPONENTS is set: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> object:
    return longrepr[2] if isinstance(longrepr, tuple) else longrepr
