"""`python -m tests.load.instructions`: the instructions one call takes in user space, counted by callgrind.

The same within one per cent on any machine, however busy: for changes too small for CPU time to show. Not
counted are a call's part in the kernel, a quarter of its time, and what a cold cache costs. Calls come one
after another, so that each wakes the loop for itself. Needs Debian's valgrind.
"""

import argparse
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.load.programs import Program, gateway, mock
from tests.load.rounds import BURST, CHAT, CHAT_BURST, NATIVE
from tests.load.traffic import Request

_KINDS: Mapping[str, Request] = {
    "native": NATIVE.request,
    "chat": CHAT.request,
    "burst": BURST.request,
    "chat-burst": CHAT_BURST.request,
}
_WARM = 300
"""Calls before counting begins: what is made at the first ones."""
_FLUSHED_S = 2.0
"""Until the records of calls are written."""


def main() -> int:
    """Print a line for each kind of call."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.instructions", description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(_KINDS), metavar="KIND", help=", ".join(_KINDS))
    parser.add_argument("--calls", type=int, default=1000, help="that are counted, of each kind (1000)")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("Needs valgrind: apt-get install valgrind")
    unknown = set(arguments.kinds) - set(_KINDS)
    if unknown:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    with mock() as upstream:
        for kind in arguments.kinds:
            loop, others = _counted(upstream, _KINDS[kind], arguments.calls)
            sys.stdout.write(
                f"{kind:12}{loop + others:12,.0f} a call: {loop:,.0f} in the loop, {others:,.0f} elsewhere\n"
            )
    return 0


def _counted(upstream: Program, request: Request, calls: int) -> tuple[float, float]:
    """Instructions a call of the first thread, which runs the loop, and of all others."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "callgrind")
        under = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--separate-threads=yes"]
        with gateway(upstream, core=None, under=under, wait_s=120) as program:
            _call(program.port, request, _WARM)
            time.sleep(_FLUSHED_S)
            _control(program, "--zero")
            _call(program.port, request, calls)
            time.sleep(_FLUSHED_S)
            _control(program, "--dump")
            counts = [_count(path) for path in Path(folder).glob("callgrind.*")]
        loop = sum(count for thread, count in counts if thread == 1)
        return loop / calls, sum(count for thread, count in counts if thread != 1) / calls


def _control(program: Program, order: str) -> None:
    """Tell valgrind something. It is found by a name that HOST is a part of, where that is set."""
    environment = {**os.environ, "HOST": "127.0.0.1"}
    command = ["callgrind_control", order, str(program.pid)]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def _count(written: Path) -> tuple[int, int]:
    """(thread, instructions) of a file of callgrind's."""
    lines = written.read_text(encoding="utf-8").splitlines()
    facts = dict(line.split(": ", 1) for line in lines if line.startswith(("thread: ", "totals: ")))
    return int(facts["thread"]), int(facts["totals"])


def _call(port: int, request: Request, times: int) -> None:
    """Send a request again and again on one connection; every answer must be whole and 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.connect()
    for _ in range(times):
        connection.sock.sendall(request.data)
        answer = http.client.HTTPResponse(connection.sock, method="POST")
        answer.begin()
        body = answer.read()
        if answer.status != http.client.OK or body.count(b"data: {") != request.events:
            raise SystemExit(f"An answer was wrong: {answer.status} {body[:200]!r}")
    connection.close()


if __name__ == "__main__":
    sys.exit(main())
