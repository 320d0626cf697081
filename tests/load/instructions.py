"""`python -m tests.load.instructions`: the instructions one call takes in user space, counted by callgrind.

The same within two per cent on any machine, however busy: for changes too small for CPU time to show. Not
counted are a call's part in the kernel, a quarter of its time, and what a cold cache costs. Calls come one
after another, so that each wakes the loop for itself. Needs Debian's valgrind.
"""

import argparse
import http.client
import shutil
import sys
import tempfile
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
_WARM = 400
"""Calls of the run that is taken off: what a start costs, and what is made at the first calls."""


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
            request = _KINDS[kind]
            before = _counted(upstream, request, _WARM)
            after = _counted(upstream, request, _WARM + arguments.calls)
            loop, others = ((after[part] - before[part]) / arguments.calls for part in (0, 1))
            sys.stdout.write(
                f"{kind:12}{loop + others:12,.0f} a call: {loop:,.0f} in the loop, {others:,.0f} elsewhere\n"
            )
    return 0


def _counted(upstream: Program, request: Request, calls: int) -> tuple[int, int]:
    """Instructions of the first thread, which runs the loop, and of all others, from start to stop."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "callgrind")
        under = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--separate-threads=yes"]
        with gateway(upstream, core=None, under=under, wait_s=120) as program:
            _call(program.port, request, calls)
        loop = others = 0
        for written in Path(folder).glob("callgrind-*"):
            facts = dict(
                line.split(": ", 1)
                for line in written.read_text(encoding="utf-8").splitlines()
                if line.startswith(("thread: ", "totals: "))
            )
            if facts["thread"] == "1":
                loop += int(facts["totals"])
            else:
                others += int(facts["totals"])
        return loop, others


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
