"""Prometheus's configuration and rules: promtool agrees, every alert is tested and has its runbook."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.grafana.files import PROMETHEUS, ROOT, RUNBOOK, Json, alerts, dashboards, panels, rules

ALERTS = alerts()
QUESTIONS = ("Is it healthy", "Which key is sick", "Is Google slow", "Who uses it")
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: str(rule["alert"]))


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: scripts/need-prometheus")
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_valid(promtool: str, tmp_path: Path) -> None:
    """With a token in the place where Compose puts it."""
    folder = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    secret = folder / "metrics_token"
    secret.write_text("a token")
    configuration = folder / "prometheus.yml"
    text = configuration.read_text(encoding="utf-8")
    assert "/run/secrets/metrics_token" in text
    configuration.write_text(text.replace("/run/secrets/metrics_token", str(secret)))

    _run(promtool, "check", "config", str(configuration))


def test_the_rules_have_no_faults_that_the_linter_finds(promtool: str) -> None:
    _run(
        promtool,
        "check",
        "rules",
        "--lint=all",
        "--lint-fatal",
        *map(str, (PROMETHEUS / "rules").glob("*.yml")),
    )


@pytest.mark.parametrize(
    "path", sorted((PROMETHEUS / "tests").glob("*.yml")), ids=lambda path: str(path.stem)
)
def test_alerts_fire_when_they_should_and_only_then(promtool: str, path: Path) -> None:
    _run(promtool, "test", "rules", str(path))


@each_alert
def test_an_alert_is_tested_both_ways(alert: Json) -> None:
    moments = [
        bool(moment.get("exp_alerts"))
        for path in (PROMETHEUS / "tests").glob("*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        for moment in group["alert_rule_test"]
        if moment["alertname"] == alert["alert"]
    ]

    assert set(moments) == {True, False}


@each_alert
def test_an_alert_says_how_bad_it_is_and_what_to_do(alert: Json) -> None:
    notes = alert["annotations"]

    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert alert.get("for") or re.search(r"\b(increase|offset)\b", alert["expr"]), (
        "a moment is no reason to wake up"
    )
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert len(notes["summary"]) < 100
    assert notes["description"].endswith(".")
    assert notes["runbook_url"] == f"docs/runbook.md#{alert['alert'].lower()}"


def test_every_alert_has_its_section_in_the_runbook_and_back() -> None:
    headings = re.findall(r"^## (.*)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)

    assert headings == [alert["alert"] for alert in ALERTS]


@each_alert
def test_the_runbook_knows_how_bad_it_is(alert: Json) -> None:
    section = RUNBOOK.read_text(encoding="utf-8").split(f"## {alert['alert']}\n")[1].split("\n## ")[0]
    minutes = alert.get("for", "").rstrip("m")
    severity = alert["labels"]["severity"].capitalize()

    assert re.search(rf"\*{severity}(, after {minutes} minutes)?(, at once)?\.\*", section)
    assert (f"after {minutes} minutes" in section) == bool(minutes)
    assert "- **Look**:" in section
    assert "- **Do**:" in section


def test_the_guide_to_dashboards_leads_to_what_is_there() -> None:
    guide = ROOT / "grafana" / "README.md"
    links = re.findall(r"\]\(([^)]+)\)", guide.read_text(encoding="utf-8"))
    titles = {dashboard["title"] for dashboard in dashboards()}

    assert [link for link in links if not (guide.parent / link).exists()] == []
    assert set(re.findall(r"\*(Gateway: [^*]+)\*", guide.read_text(encoding="utf-8"))) == titles


def test_links_and_settings_of_the_runbook_are_there() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    anchors = {f"#{alert['alert'].lower()}" for alert in ALERTS}
    links = re.findall(r"\]\(([^)]+)\)", text)
    settings = set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b|\bWORKERS\b|\bPROXIES\b", text))
    declared = set(
        re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "settings.md").read_text("utf-8"), re.MULTILINE)
    )

    assert {link for link in links if link.startswith("#")} <= anchors
    assert [link for link in links if link[0] != "#" and not (RUNBOOK.parent / link).exists()] == []
    assert settings - declared == set()


def test_panels_that_the_runbook_names_are_there() -> None:
    """Named as `*Dashboard*, *Panel* and *Panel*`."""
    titles = {panel["title"] for dashboard in dashboards() for panel in panels(dashboard)}
    text = re.sub(r"\s+", " ", RUNBOOK.read_text(encoding="utf-8"))
    lists = re.findall(rf"\*(?:{'|'.join(QUESTIONS)})\*, (\*[^*]+\*(?:(?:,| and) \*[^*]+\*)*)", text)
    named = {name for names in lists for name in re.findall(r"\*([^*]+)\*", names)}

    assert len(named) > 10
    assert named - titles == set()


def test_rules_have_different_names() -> None:
    names = [rule.get("alert") or rule["record"] for rule in rules()]

    assert len(names) == len(set(names))
