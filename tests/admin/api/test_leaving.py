"""Exports that end early: by a reader that leaves, which is nobody's fault, or by a database that does."""

import http.client
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from gateway.control.call_log import CallLog
from gateway.errors import StoreUnavailable
from gateway.store.records import CallRecord, StoredCall
from tests.admin.api.scripting import Script
from tests.integration.calling import eventually
from tests.integration.running import RunningGateway
from tests.store.samples import call_record


def test_a_reader_that_leaves_an_export_leaves_no_error_behind(
    script: Script, running: RunningGateway
) -> None:
    """An ERROR in the log would fail the test."""
    services = running.services
    assert services is not None

    def put(record: CallRecord) -> None:
        running.on_loop(lambda found: found.store.records.put(record))

    for number in range(9_000):
        put(call_record(f"request-{number}", model="m" * 200, started_at_ms=1_700_000_000_000 + number))
    eventually(lambda: services.store.health().written == 9_000, 30)
    parts = urlsplit(running.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=15)
    connection.request("GET", "/api/admin/calls/export", headers=script.headers)
    assert connection.getresponse().read(1000)

    connection.close()

    assert eventually(lambda: script.get("/pool").status == 200)


@pytest.mark.logs_errors("the database goes away in the middle of a file")
def test_an_export_that_fails_midway_does_not_look_whole(
    script: Script, running: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks_off(*_: object) -> AsyncIterator[list[StoredCall]]:
        yield [StoredCall(1, call_record("request-1"))]
        raise StoreUnavailable("The database is away.")

    monkeypatch.setattr(CallLog, "export", breaks_off)

    with pytest.raises(http.client.IncompleteRead):
        script.get("/calls/export?format=jsonl")
    assert script.get("/pool").status == 200
