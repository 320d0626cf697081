#!/usr/bin/env python3
"""Pictures of the admin for the README, into docs/screenshots: made anew when pages change.

A gateway over the demo's simulated Gemini, with a week of made-up calls and some real ones. Needs what the
browser tests need (scripts/get-browser-tools).

.venv/bin/python scripts/screenshots.py [FOLDER]
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson

from gateway.log import configure
from gateway.simulator.world import demo_world
from tests.admin.browsing import ADMIN_TOKEN
from tests.browser.chromium import Dress, Window
from tests.browser.history import MODELS, write_history
from tests.integration.running import TOKEN, RunningGateway
from tests.sdk.simulated import SimulatedUpstream

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
WIDE, PHONE = (1440, 900), (390, 844)
SHOTS = (
    ("overview-light", "/", Dress("light", WIDE)),
    ("keys-dark", "/keys", Dress("dark", WIDE, dark=True)),
    ("settings-zh", "/settings", Dress("chinese", WIDE, language="zh-CN", zone="Asia/Shanghai")),
    ("calls-phone", "/calls", Dress("phone", PHONE)),
)
CALLS = 12
NAMES = [name for name in MODELS if "<" not in name]


def main() -> None:
    """Start everything, let it be used, look at it."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    configure(level="CRITICAL", log_format="console")
    world = demo_world().without_delays()
    settings = {"API_KEYS": ",".join(world.secrets), "AUTH_TOKEN": ADMIN_TOKEN}
    with (
        tempfile.TemporaryDirectory() as data,
        SimulatedUpstream(world) as upstream,
        RunningGateway(Path(data), upstream.url, settings) as gateway,
    ):
        write_history(gateway, models=NAMES)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: _call(gateway.url, NAMES[number % len(NAMES)]), range(CALLS)))
        with Window(gateway.url) as window:
            window.wear(SHOTS[0][2])
            window.sign_in(ADMIN_TOKEN)
            for name, path, dress in SHOTS:
                window.wear(dress)
                window.open(path)
                window.open(path)  # the first visit told the server where the reader is
                window.see("#sentence")
                window.driver.save_screenshot(str(folder / f"{name}.png"))


def _call(origin: str, model: str) -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    asked = Request(f"{origin}/v1/chat/completions", orjson.dumps(body), headers)  # noqa: S310 - our own
    try:
        with urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own
            answer.read()
    except HTTPError:
        """Some calls fail: that is to be seen, too."""


if __name__ == "__main__":
    main()
