"""The dashboards against the types that Grafana publishes of its schemas; what Grafana reads at its start.

Grafana's server comes in no package that the tests could install; its types say what it would understand.
"""

import pytest
import yaml
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.grafana.conforming import lost, misfits, plain
from tests.grafana.files import GRAFANA, PROMETHEUS, Json, dashboards, panels

each_dashboard = pytest.mark.parametrize(
    "dashboard", dashboards(), ids=lambda dashboard: str(dashboard["uid"])
)
# Options of Prometheus's own annotations, which the types of dashboards leave to the data source.
OF_THE_DATA_SOURCE = ("titleFormat", "textFormat", "step", "useValueForTime")


@pytest.fixture(scope="module", autouse=True)
def _plugins() -> None:
    register_default_plugins()


@each_dashboard
def test_grafana_knows_everything_that_is_written(dashboard: Json) -> None:
    unknown = [
        at
        for at in lost(dashboard, plain(Dashboard.from_json(dashboard)))
        if not (at.startswith(".annotations") and at.endswith(OF_THE_DATA_SOURCE))
    ]

    assert unknown == []


@each_dashboard
def test_every_value_is_of_the_type_that_grafana_announces(dashboard: Json) -> None:
    assert list(misfits(Dashboard.from_json(dashboard))) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda board: board["panels"][1].update(widht=3), "widht"),
        (lambda board: board["panels"][1]["options"].update(colorMode="loud"), "color_mode"),
        (lambda board: board["panels"][1]["fieldConfig"]["defaults"].update(decimals="two"), "decimals"),
    ],
)
def test_a_fault_would_be_found(change: object, complaint: str) -> None:
    dashboard = dashboards()[1]
    assert callable(change)
    change(dashboard)
    read = Dashboard.from_json(dashboard)

    assert complaint in " ".join([*lost(dashboard, plain(read)), *misfits(read)])


@each_dashboard
def test_grafana_has_the_units(dashboard: Json) -> None:
    known = {value for value in vars(units).values() if isinstance(value, str)}
    used = {panel["fieldConfig"]["defaults"].get("unit") for panel in panels(dashboard)}
    used |= {panel["options"]["yAxis"]["unit"] for panel in panels(dashboard) if panel["type"] == "heatmap"}
    used |= {
        setting["value"]
        for panel in panels(dashboard)
        for override in panel["fieldConfig"]["overrides"]
        for setting in override["properties"]
        if setting["id"] == "unit"
    }

    assert used - {None} - known == set()


def test_dashboards_are_provisioned_read_only() -> None:
    text = (GRAFANA / "provisioning" / "dashboards" / "gateway.yml").read_text(encoding="utf-8")
    (provider,) = yaml.safe_load(text)["providers"]

    assert (provider["allowUiUpdates"], provider["disableDeletion"]) == (False, True)
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"


def test_grafana_knows_the_scrape_interval() -> None:
    """`$__rate_interval` is four times what the data source says, so that says what Prometheus does."""
    text = (GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    (source,) = yaml.safe_load(text)["datasources"]
    scraping = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))

    assert source["jsonData"]["timeInterval"] == scraping["global"]["scrape_interval"]
    assert (source["url"], source["editable"], source["isDefault"]) == ("http://prometheus:9090", False, True)
