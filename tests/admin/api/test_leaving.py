"""A reader that leaves in the middle of an export is nobody's fault."""

import http.client
from urllib.parse import urlsplit

from gateway.store.records import CallRecord
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
