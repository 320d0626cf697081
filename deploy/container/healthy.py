"""The image's health check: exit code 0 when `/health` answers 200 on this container's port.

Standard library and little of it: it runs every half minute on machines with one slow processor. The port is
PORT of the environment, else of the mounted .env, else 8000. Run with `python -I`.
"""

import http.client
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

ENV_FILE = Path("/app/.env")
ANSWER_WITHIN_S = 4.0
_PORT_LINE = re.compile(r"""^\s*(?:export\s+)?PORT\s*[=:]\s*["']?(\d+)""", re.IGNORECASE | re.MULTILINE)


def port(environ: Mapping[str, str], env_file: Path = ENV_FILE) -> int:
    """The port the gateway listens on, as it reads its own settings itself."""
    given = environ.get("PORT", "").strip()
    if given.isdecimal():
        return int(given)
    try:
        lines = _PORT_LINE.findall(env_file.read_text(encoding="utf-8", errors="replace"))
    except OSError:  # not mounted, or not for this user: the gateway tells of that
        lines = []
    return int(lines[-1]) if lines else 8000


def main() -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port(os.environ), timeout=ANSWER_WITHIN_S)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        body = answer.read(2048).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"not healthy: {error}")  # noqa: T201 - `docker inspect` shows it
        return 1
    finally:
        connection.close()
    print(body)  # noqa: T201 - the same
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
