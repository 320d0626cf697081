"""A real Prometheus with the project's own configuration, but for gateways' addresses and a faster clock."""

import http.client
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import orjson
import yaml

from tests.grafana.files import PROMETHEUS

WAIT_S = 20.0
EVERY = "2s"

Json = dict[str, Any]


class RunningPrometheus:
    """Start with `with`. It scrapes every two seconds and follows the committed rules, which fire soon.

    folder    of its own, not yet there

    targets   addresses of gateways
    token     for their `/metrics`
    """

    def __init__(self, folder: Path, targets: Sequence[str], token: str) -> None:
        self._folder = folder
        shutil.copytree(PROMETHEUS / "rules", folder / "rules")
        for path in (folder / "rules").iterdir():
            patient = path.read_text(encoding="utf-8")
            path.write_text(re.sub(r"^( +for:) \d+m$", rf"\1 {EVERY}", patient, flags=re.MULTILINE))
        (folder / "token").write_text(token)
        configuration = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
        faster(configuration, targets, folder / "token")
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        command = ["prometheus", f"--config.file={self._folder / 'prometheus.yml'}"]
        command += [f"--storage.tsdb.path={self._folder / 'data'}", f"--web.listen-address={self.address}"]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        self._await_ready()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(WAIT_S)

    def at_once(self, expression: str, *, at_s: float) -> list[Json]:
        """The answer for one moment: a list of series with their values."""
        return self._series("query", {"query": expression, "time": f"{at_s:.3f}"})

    def over_time(self, expression: str, *, since_s: float, until_s: float, step_s: float) -> list[Json]:
        """The answer over time, as a panel asks."""
        times = {"start": f"{since_s:.3f}", "end": f"{until_s:.3f}", "step": f"{step_s:g}"}
        return self._series("query_range", {"query": expression, **times})

    def rule_groups(self) -> list[Json]:
        """The rules as Prometheus knows them, with what came of the last evaluation."""
        groups: list[Json] = self._ask("rules", {})["groups"]
        return groups

    def targets(self) -> list[Json]:
        """What is scraped, and how that went."""
        active: list[Json] = self._ask("targets", {"state": "active"})["activeTargets"]
        return active

    def await_all_up(self) -> float:
        """Wait for a moment (epoch seconds) when the last scrape of every target went well.

        On a machine that has much else to do, a scrape may take too long, and its series then have ended.
        """
        end = time.monotonic() + WAIT_S
        while True:
            now_s = time.time()
            ups = self.at_once("up", at_s=now_s)
            if ups and all(series["value"][1] == "1" for series in ups):
                return now_s
            assert time.monotonic() < end, self.targets()
            time.sleep(0.1)

    def _series(self, path: str, question: Mapping[str, str]) -> list[Json]:
        found = self._ask(path, question)["result"]
        return [{"metric": {}, "value": found}] if found and not isinstance(found[0], dict) else found

    def _ask(self, path: str, question: Mapping[str, str]) -> Any:
        status, body = self._get(f"/api/v1/{path}?{urlencode(question)}")
        answer = orjson.loads(body)
        assert status == 200, f"{answer['error']}: {question}"
        assert not answer.get("warnings"), answer
        return answer["data"]

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(f"//{self.address}").netloc, timeout=WAIT_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _await_ready(self) -> None:
        assert self._process is not None
        end = time.monotonic() + WAIT_S
        while True:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            try:
                if self._get("/-/ready")[0] == 200:
                    return
            except OSError:
                pass
            assert time.monotonic() < end, (self._folder / "log").read_text()
            time.sleep(0.05)


def faster(configuration: Json, targets: Sequence[str], token: Path) -> None:
    """Change what a test must: how often, where the gateways are, where the token lies."""
    configuration["global"].update(scrape_interval=EVERY, scrape_timeout=EVERY, evaluation_interval=EVERY)
    gateways, itself = configuration["scrape_configs"]
    assert (gateways["job_name"], itself["job_name"]) == ("gateway", "prometheus")
    del gateways["dns_sd_configs"]
    gateways["static_configs"] = [{"targets": list(targets)}]
    gateways["authorization"]["credentials_file"] = str(token)
    configuration["scrape_configs"] = [gateways]
