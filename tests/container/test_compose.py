"""The compose files, read by Docker Compose itself, and what they must agree with elsewhere.

What comes up on an engine cannot be seen here; the gateway of each file is started in test_old_compose.py.
"""

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings.sources import read_sources
from tests.container.test_dockerfile import TOOLS
from tests.house.source import ROOT

STACK = ("docker-compose.yml",)
SQLITE = ("docker-compose.sqlite.yml",)
REPLICAS = ("docker-compose.yml", "docker-compose.replicas.yml")
ALL_IN_ONE = ("deploy/compose/all-in-one.yml",)
OLD = ("tests/container/gemini-balance-compose.yml",)
EVERY = [STACK, SQLITE, REPLICAS, ALL_IN_ONE, OLD]
MAKE_ENV = ROOT / "deploy" / "compose" / "make-env"
PASSWORDS = {"MYSQL_ROOT_PASSWORD", "MYSQL_PASSWORD", "METRICS_TOKEN", "GRAFANA_PASSWORD"}

Config = dict[str, Any]


def compose(files: tuple[str, ...], env_file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask Docker Compose about files of the project; `env_file` stands for `.env`."""
    program = shutil.which("docker-compose", path=TOOLS)
    if program is None:
        pytest.skip("Docker Compose is not installed: make install-dev")
    named = [part for name in files for part in ("--file", str(ROOT / name))]
    return subprocess.run(
        [program, "--project-directory", env_file.parent, "--env-file", env_file, *named, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(env_file.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def read(files: tuple[str, ...], env_file: Path) -> Config:
    told = compose(files, env_file, "config", "--format", "json")
    assert (told.returncode, told.stderr) == (0, "")
    config: Config = json.loads(told.stdout)
    return config


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """A `.env` as make-env leaves it, with keys of an operator in it."""
    path = tmp_path / ".env"
    path.write_text('API_KEYS=["key-1","key-2"]\nallowed_tokens=("sk-client")\nMYSQL_DATABASE=default_db\n')
    made = subprocess.run([MAKE_ENV, path], capture_output=True, text=True, check=True)
    for line in path.read_text().splitlines()[3:]:
        assert line.partition("=")[2] not in made.stdout
    return path


@pytest.mark.parametrize("files", EVERY)
def test_every_service_has_a_health_check_and_waits_for_the_database(
    files: tuple[str, ...], env_file: Path
) -> None:
    services = read(files, env_file)["services"]

    assert [name for name, service in services.items() if "healthcheck" not in service] == []
    if "mysql" in services:
        (gateway,) = (each for each in services.values() if "mysql" in each.get("depends_on", {}))
        assert gateway["depends_on"]["mysql"]["condition"] == "service_healthy"


@pytest.mark.parametrize(
    ("files", "published"),
    [
        (STACK, {"gateway": "8000", "grafana": "3000"}),
        (SQLITE, {"gateway": "8000"}),
        (REPLICAS, {"nginx": "8000", "grafana": "3000"}),
        (ALL_IN_ONE, {"gateway": "8000"}),
        (OLD, {"gemini-balance": "8000"}),
    ],
)
def test_only_what_people_open_is_published(
    files: tuple[str, ...], published: dict[str, str], env_file: Path
) -> None:
    services = read(files, env_file)["services"]

    assert {
        name: port["published"] for name, service in services.items() for port in service.get("ports", [])
    } == published


@pytest.mark.parametrize("files", EVERY)
def test_the_gateway_takes_the_settings_of_the_file(files: tuple[str, ...], env_file: Path) -> None:
    """Compose reads `.env` by its own rules; lists in people's loose forms come through them."""
    services = read(files, env_file)["services"]
    gateway = services.get("gateway") or services["gemini-balance"]

    settings = read_sources(gateway["environment"])

    assert settings.rows.api_keys
    assert settings.rows.allowed_tokens
    assert settings.boot.port == 8000
    assert settings.boot.database_type == ("sqlite" if files == SQLITE else "mysql")
    if settings.boot.database_type == "mysql":
        mysql = services[settings.boot.mysql_host]["environment"]
        assert mysql["MYSQL_PASSWORD"] == gateway["environment"]["MYSQL_PASSWORD"]
        assert mysql["MYSQL_USER"] == settings.boot.mysql_user
        assert mysql["MYSQL_DATABASE"] == settings.boot.mysql_database


def test_without_passwords_nothing_starts_and_each_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('API_KEYS=["key-1"]\n')

    told = compose(STACK, tmp_path / ".env", "config", "--quiet")

    assert told.returncode != 0
    assert {name for name in PASSWORDS if name in told.stderr} == PASSWORDS
    assert "run deploy/compose/make-env" in told.stderr


def test_passwords_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    subprocess.run([MAKE_ENV, path], check=True, capture_output=True)
    first = path.read_text()
    subprocess.run([MAKE_ENV, path], check=True, capture_output=True)
    values = dict(line.split("=") for line in first.splitlines())

    assert path.read_text() == first
    assert set(values) == PASSWORDS | {"AUTH_TOKEN"}
    assert len(set(values.values())) == len(values)
    assert all(re.fullmatch("(sk-)?[A-Za-z0-9]{32}", value) for value in values.values())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_set_already_stays(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("export MYSQL_PASSWORD='mine'\nMETRICS_TOKEN=\nGRAFANA_PASSWORD=theirs")
    subprocess.run([MAKE_ENV, path], check=True, capture_output=True)
    lines = path.read_text().splitlines()

    assert lines[:3] == ["export MYSQL_PASSWORD='mine'", "METRICS_TOKEN=", "GRAFANA_PASSWORD=theirs"]
    assert [line.partition("=")[0] for line in lines[3:]] == [
        "AUTH_TOKEN",
        "MYSQL_ROOT_PASSWORD",
        "METRICS_TOKEN",
    ]


def test_prometheus_and_grafana_find_their_files_and_each_other(env_file: Path) -> None:
    services = read(STACK, env_file)["services"]
    mounts = {
        mount["target"]: Path(mount["source"]).relative_to(env_file.parent)
        for name in ("prometheus", "grafana")
        for mount in services[name]["volumes"]
        if mount["type"] == "bind"
    }
    prometheus = yaml.safe_load((ROOT / mounts["/etc/prometheus"] / "prometheus.yml").read_text())
    (job,) = (each for each in prometheus["scrape_configs"] if each["job_name"] == "gateway")
    sources = ROOT / mounts["/etc/grafana/provisioning"] / "datasources" / "prometheus.yml"
    (source,) = yaml.safe_load(sources.read_text())["datasources"]
    (provider,) = yaml.safe_load(
        (ROOT / mounts["/etc/grafana/provisioning"] / "dashboards" / "gateway.yml").read_text()
    )["providers"]

    assert [str(place) for place in mounts.values() if not (ROOT / place).is_dir()] == []
    assert job["authorization"]["credentials_file"] == "/run/secrets/metrics_token"
    assert [secret["source"] for secret in services["prometheus"]["secrets"]] == ["metrics_token"]
    assert [(each["names"], each["port"]) for each in job["dns_sd_configs"]] == [(["gateway"], 8000)]
    assert source["url"] == "http://prometheus:9090"
    assert provider["options"]["path"] in mounts


def test_the_stacks_gateway_needs_no_right_at_all(env_file: Path) -> None:
    for files in (STACK, SQLITE, REPLICAS):
        gateway = read(files, env_file)["services"]["gateway"]

        assert gateway["user"] == "1000:1000"
        assert gateway["read_only"] is True
        assert gateway["cap_drop"] == ["ALL"]
        assert gateway["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("files", [STACK, SQLITE, ALL_IN_ONE])
def test_a_stop_waits_longer_than_the_gateway_needs(files: tuple[str, ...], env_file: Path) -> None:
    gateway = read(files, env_file)["services"]["gateway"]
    shutdown_s = read_sources({}).boot.shutdown_timeout_seconds

    assert int(gateway["stop_grace_period"].removesuffix("s")) > shutdown_s + 10


def test_a_database_password_with_signs_reaches_both_unchanged(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("MYSQL_PASSWORD='p$w#1 \"x\"'\nAPI_KEYS=k\nALLOWED_TOKENS=t\n")
    subprocess.run([MAKE_ENV, path], check=True, capture_output=True)

    services = read(STACK, path)["services"]

    assert services["mysql"]["environment"]["MYSQL_PASSWORD"].replace("$$", "$") == 'p$w#1 "x"'
    assert services["gateway"]["environment"]["MYSQL_PASSWORD"].replace("$$", "$") == 'p$w#1 "x"'
