"""Tornado's own suites on our front: what fails there is known, and known to be meant.

To be read anew with every upgrade of Tornado: a new failure is a change in what handlers rely on.
"""

import asyncio
import json
import sys
from typing import Any, Final

import pytest

_METHODS: Final = "llhttp knows a fixed list of methods; others are 501"
_TOO_LONG: Final = "413 where Tornado answers 400"
_NO_LENGTH: Final = "a handler's malformed Content-Length is a 500 where Tornado cuts the connection"
_OPTION: Final = "an option of HTTPServer that our front does not have"

DIFFERENCES: Final = {
    "web_test": {
        "PatchMethodTest.test_other": _METHODS,
        "UnimplementedNonStandardMethodsTest.test_unimplemented_other": _METHODS,
        "DecoratedStreamingRequestFlowControlTest.test_flow_control_chunked_body": _OPTION + ": chunk_size",
        "DecoratedStreamingRequestFlowControlTest.test_flow_control_fixed_body": _OPTION + ": chunk_size",
        "NativeStreamingRequestFlowControlTest.test_flow_control_chunked_body": _OPTION + ": chunk_size",
        "NativeStreamingRequestFlowControlTest.test_flow_control_fixed_body": _OPTION + ": chunk_size",
    },
    "websocket_test": {},
    "httpserver_test": {
        "BodyLimitsTest.test_body_size_override_reset": _TOO_LONG,
        "BodyLimitsTest.test_large_body_buffered": _TOO_LONG,
        "BodyLimitsTest.test_large_body_buffered_chunked": _TOO_LONG,
        "BodyLimitsTest.test_large_body_streaming": _TOO_LONG,
        "BodyLimitsTest.test_large_body_streaming_chunked": _TOO_LONG,
        "BodyLimitsTest.test_timeout": "408 where Tornado closes in silence",
        "HTTPConnectionTest.test_newlines": "a bare LF ends no line",
        "HTTPServerRawTest.test_invalid_methods (method='FOO')": _METHODS,
        "HTTPServerRawTest.test_invalid_methods (method='FOO,BAR')": _METHODS,
        "InvalidOutputContentLengthTest.test_invalid_output_content_length [alphabetic]": _NO_LENGTH,
        "InvalidOutputContentLengthTest.test_invalid_output_content_length [leading plus]": _NO_LENGTH,
        "InvalidOutputContentLengthTest.test_invalid_output_content_length [underscore]": _NO_LENGTH,
        "KeepAliveTest.test_keepalive_chunked": "no Transfer-Encoding in HTTP/1.0",
        "ManualProtocolTest.test_manual_protocol": _OPTION + ": protocol",
        "StreamingChunkSizeTest.test_chunked_body": _OPTION + ": chunk_size",
        "StreamingChunkSizeTest.test_regular_body": _OPTION + ": chunk_size",
        "XHeaderTest.test_trusted_downstream": _OPTION + ": trusted_downstream",
    },
    "routing_test": {},
    "simple_httpclient_test": {
        "HTTP100ContinueTestCase.test_100_continue": "the handler writes to connection.stream by itself",
        "SimpleHTTPClientCommonTestCase.test_all_methods": _METHODS,
    },
}
# So that a suite that no longer loads is not a suite that passes.
_AT_LEAST: Final = {
    "web_test": 250,
    "websocket_test": 60,
    "httpserver_test": 70,
    "routing_test": 6,
    "simple_httpclient_test": 120,
}


@pytest.mark.parametrize("suite", DIFFERENCES)
async def test_tornados_suite_fails_only_where_we_differ_on_purpose(suite: str) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.serving.tornado_suites",
        suite,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await child.communicate()
    outcome: dict[str, Any] = json.loads(output)

    unexpected = {
        name: trace
        for name, trace in outcome["failed"].items()
        if name.removeprefix(f"{suite}.") not in DIFFERENCES[suite]
    }
    assert not unexpected, "\n\n".join(f"{name}\n{trace}" for name, trace in unexpected.items())
    missing = {name for name in DIFFERENCES[suite] if f"{suite}.{name}" not in outcome["failed"]}
    assert not missing, "these differ no longer: strike them from the list"
    assert outcome["run"] >= _AT_LEAST[suite]
