"""What a scrape of a running gateway shows."""

import re

from tests.integration.calling import call
from tests.integration.running import RunningGateway

ADMIN = {"authorization": "Bearer sk-test-admin"}
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')


class Samples:
    """One scrape, asked by name and labels."""

    def __init__(self, gateway: RunningGateway) -> None:
        answer = call(gateway, "/metrics", None, method="GET", headers=ADMIN)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain")
        self.text = answer.body.decode()
        lines = [line for line in self.text.splitlines() if line and not line.startswith("#")]
        self._samples = []
        for line in lines:
            match = SAMPLE.match(line)
            assert match is not None, line
            self._samples.append((match[1], dict(LABEL.findall(match[2] or "")), float(match[3])))

    def sum(self, name: str, **labels: str) -> float:
        return sum(
            value
            for found, given, value in self._samples
            if found == name and labels.items() <= given.items()
        )

    def values(self, label: str) -> set[str]:
        return {given[label] for _, given, _ in self._samples if label in given}
