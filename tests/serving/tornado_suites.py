"""Runs Tornado's own test suites with its HTTPServer replaced by our front; prints the outcome as JSON.

Started as a process of its own by test_tornado_suites.py: these suites have other ideas about warnings and
logs than ours. Log wording is not compared. Tests that need TLS are skipped: TLS is left to a proxy.
"""

import importlib
import json
import logging
import socket
import sys
import unittest
from typing import Any

from tornado.http1connection import _GzipMessageDelegate
from tornado.httpserver import _CallableAdapter
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate
from tornado.ioloop import IOLoop
from tornado.testing import AsyncHTTPTestCase, ExpectLog

from gateway.serving.limits import Limits
from gateway.serving.server import LlhttpFront


class _Requests(HTTPServerConnectionDelegate):
    """HTTPServer's own additions: plain functions as applications, and inflated request bodies."""

    def __init__(self, application: Any, options: dict[str, Any]) -> None:
        self.application = application
        self.options = options

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        if isinstance(self.application, HTTPServerConnectionDelegate):
            delegate = self.application.start_request(server_conn, request_conn)
        else:
            delegate = _CallableAdapter(self.application, request_conn)
        if self.options.get("decompress_request"):
            size = self.options.get("max_body_size") or 100_000_000
            delegate = _GzipMessageDelegate(delegate, self.options.get("chunk_size") or 65536, size)
        return delegate

    def on_close(self, server_conn: object) -> None:
        if isinstance(self.application, HTTPServerConnectionDelegate):
            self.application.on_close(server_conn)


class SuiteServer:
    """As much of HTTPServer as AsyncHTTPTestCase uses."""

    def __init__(self, application: Any, **options: Any) -> None:
        if options.get("ssl_options"):
            raise unittest.SkipTest("TLS is left to a proxy")
        self.application = application
        self.options = options
        self.front: LlhttpFront | None = None

    def add_socket(self, sock: socket.socket) -> None:
        self.add_sockets([sock])

    def add_sockets(self, sockets: list[socket.socket]) -> None:
        async def start() -> None:
            options = self.options
            hour_s = 3600.0
            limits = Limits(
                max_head_bytes=options.get("max_header_size") or 65536,
                max_header_count=10_000,
                max_body_bytes=options.get("max_body_size") or options.get("max_buffer_size") or 104_857_600,
                head_timeout_s=options.get("idle_connection_timeout") or hour_s,
                idle_timeout_s=options.get("idle_connection_timeout") or hour_s,
                body_timeout_s=options.get("body_timeout") or hour_s,
            )
            self.front = LlhttpFront(
                application=_Requests(self.application, options),
                light=lambda method, path: None,
                limits=limits,
                xheaders=options.get("xheaders", False),
                sweep_s=0.02,
            )
            await self.front.add_sockets(sockets)

        IOLoop.current().run_sync(start)

    def stop(self) -> None:
        """All is done by close_all_connections."""

    async def close_all_connections(self) -> None:
        if self.front is not None:
            await self.front.drain(0)


def main(names: list[str]) -> None:
    logging.disable(logging.CRITICAL)
    AsyncHTTPTestCase.get_http_server = lambda self: SuiteServer(  # type: ignore[method-assign,assignment,return-value]  # the replacement this is about
        self._app, **self.get_httpserver_options()
    )
    ExpectLog.__exit__ = lambda self, *_: self.logger.removeFilter(self)  # type: ignore[method-assign]  # wording is not compared
    suite = unittest.TestSuite()
    for name in names:
        suite.addTests(
            unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(f"tornado.test.{name}"))
        )
    result = unittest.TestResult()
    suite.run(result)
    failed = {
        test.id().removeprefix("tornado.test."): trace for test, trace in result.failures + result.errors
    }
    sys.stdout.write(json.dumps({"run": result.testsRun, "skipped": len(result.skipped), "failed": failed}))


if __name__ == "__main__":
    main(sys.argv[1:])
