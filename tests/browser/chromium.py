"""A window of Debian's Chromium, driven through its own chromedriver: what a person does and sees.

Waiting is always for something to come true; nothing sleeps.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
PATIENCE_S = 15.0
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)
WIDE, PHONE = (1280, 900), (360, 740)
_PHONE_PX = 640
"""So narrow a window is a phone's."""


@dataclass(frozen=True, slots=True)
class Dress:
    """How a page is looked at."""

    name: str
    size: tuple[int, int] = WIDE
    dark: bool = False
    language: str = "en-US"
    zone: str = "Europe/Berlin"


LIGHT = Dress("light")
DARK = Dress("dark", dark=True)
SMALL = Dress("phone", size=PHONE)
CHINESE = Dress("chinese", language="zh-CN", zone="Asia/Shanghai")
DRESSES = (LIGHT, DARK, SMALL, CHINESE, Dress("chinese phone, dark", PHONE, True, "zh-CN", "Asia/Shanghai"))


def missing_programs() -> list[str]:
    """The programs these tests need and this machine does not have."""
    return [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


class Window:
    """One browser with a profile of its own. Start with `with`."""

    def __init__(self, origin: str, language: str = "en-US") -> None:
        self.origin = origin
        self._profile = tempfile.mkdtemp(prefix="gateway-chromium-")
        options = Options()
        options.binary_location = shutil.which("chromium") or ""
        for flag in (*FLAGS, f"--user-data-dir={self._profile}", f"--accept-lang={language}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        self.driver.set_page_load_timeout(PATIENCE_S * 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()
        shutil.rmtree(self._profile, ignore_errors=True)

    # How it is looked at

    def wear(self, dress: Dress) -> None:
        """Look at pages in another dress from now on."""
        width, height = dress.size
        phone = width <= _PHONE_PX
        self._cdp(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone},
        )
        scheme = "dark" if dress.dark else "light"
        self._cdp(
            "Emulation.setEmulatedMedia",
            {
                "features": [
                    {"name": "prefers-color-scheme", "value": scheme},
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ]
            },
        )
        self._cdp("Emulation.setTimezoneOverride", {"timezoneId": dress.zone})
        self._cdp("Network.enable", {})
        self._cdp("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": dress.language}})

    def without_scripts(self) -> None:
        self._cdp("Emulation.setScriptExecutionDisabled", {"value": True})

    def go_offline(self, *, offline: bool) -> None:
        self._cdp(
            "Network.emulateNetworkConditions",
            {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
        )

    # What a person does

    def open(self, path: str) -> None:
        self.driver.get(self.origin + path)

    def sign_in(self, token: str) -> None:
        self.open("/")
        self.type(token, into="#token")
        self.press(Keys.ENTER)
        self.see("#sentence")

    def click(self, selector: str) -> None:
        def press() -> bool:
            self._shown(selector).click()
            return True

        self._patiently(press)

    def type(self, text: str, *, into: str) -> None:
        field = self.see(into)
        field.clear()
        field.send_keys(text)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    # What a person sees

    def see(self, selector: str, text: str = "") -> WebElement:
        """Wait until an element is shown, and its text holds `text`."""

        def look() -> WebElement | None:
            found = self._shown(selector)
            return found if text in found.text else None

        return self._patiently(look)

    def see_gone(self, selector: str) -> None:
        """Wait until nothing of this is shown."""
        self._patiently(lambda: not any(each.is_displayed() for each in self.all(selector)))

    def text(self, selector: str) -> str:
        return self.see(selector).text

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    @property
    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.origin)

    @property
    def focus(self) -> WebElement:
        return self.driver.switch_to.active_element

    def until(self, come_true: Callable[[], T | None]) -> T:
        return self._patiently(come_true)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """What the browser complained of since this was last asked: errors, refused scripts and styles."""
        lines = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [line["message"] for line in lines if line["level"] in ("SEVERE", "WARNING")]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.run("return document.documentElement.scrollWidth - window.innerWidth"))

    def faults(self, axe: Path) -> list[str]:
        """What the accessibility checker finds serious or critical on the page as it is now."""
        self.run(axe.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations))"
        )
        return [
            f"{each['id']} ({each['impact']}): {node['html'][:120]} {node.get('failureSummary', '')[:200]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"][:3]
        ]

    def _shown(self, selector: str) -> WebElement:
        return next(each for each in self.all(selector) if each.is_displayed())

    def _cdp(self, command: str, parameters: dict[str, Any]) -> None:
        self.driver.execute_cdp_cmd(command, parameters)

    def _patiently(self, look: Callable[[], T | None]) -> T:
        ends_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                seen = look()
            except (StopIteration, StaleElementReferenceException):  # not there yet, or replaced meanwhile
                seen = None
            if seen:
                return seen
            assert time.monotonic() < ends_s, (
                f"did not come true on {self.path}: {self.all('body')[0].text[:500]}"
            )
            time.sleep(0.05)
