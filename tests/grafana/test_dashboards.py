"""The dashboards are what is declared, and such that a stranger can read them."""

import re

import pytest

from grafana.__main__ import DASHBOARDS, FOLDER, path_of, stale
from grafana.boards import TAG
from grafana.looks import DEAD, DISABLED, EXHAUSTED, READY, RESTING
from tests.grafana.files import ROOT, Json, alerts, dashboards, panels

FINE = [(dashboard, panel) for dashboard in dashboards() for panel in panels(dashboard)]
NAMES = [f"{dashboard['uid']} · {panel['title']}" for dashboard, panel in FINE]
each_panel = pytest.mark.parametrize(("dashboard", "panel"), FINE, ids=NAMES)
each_dashboard = pytest.mark.parametrize(
    "dashboard", dashboards(), ids=lambda dashboard: str(dashboard["uid"])
)


def test_the_files_are_what_is_declared() -> None:
    assert stale() == [], "run: python -m grafana"
    assert sorted(FOLDER.iterdir()) == sorted(map(path_of, DASHBOARDS))


@each_panel
def test_a_panel_says_what_it_shows_and_in_which_unit(dashboard: Json, panel: Json) -> None:
    defaults, options = panel["fieldConfig"]["defaults"], panel["options"]

    assert len(panel["description"]) > 20
    assert panel["description"].endswith(".")
    assert defaults["noValue"]
    assert (
        "unit" in defaults
        or options.get("yAxis", {}).get("unit")
        or panel["type"] in ("table", "state-timeline")
    )


@each_panel
def test_a_panel_asks_the_data_source_chosen_at_the_top(dashboard: Json, panel: Json) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}

    assert panel["datasource"] == chosen
    assert [target["datasource"] for target in panel["targets"]] == [chosen] * len(panel["targets"])


@each_panel
def test_a_panel_uses_only_the_choices_that_its_dashboard_has(dashboard: Json, panel: Json) -> None:
    choices = {variable["name"] for variable in dashboard["templating"]["list"]}
    built_in = {"__rate_interval", "__range", "__auto"}
    used = {name for target in panel["targets"] for name in re.findall(r"\$\{?(\w+)", target["expr"])}

    assert used - built_in - choices == set()


@each_panel
def test_a_rate_has_the_window_that_fits_the_scrapes(dashboard: Json, panel: Json) -> None:
    """Fixed windows are too short for one scrape interval or too long for another."""
    windows = {
        window
        for target in panel["targets"]
        for window in re.findall(r"\b(?:rate|increase) ?\([^\[]*\[([^\]]*)\]", target["expr"])
    }

    assert windows <= {"$__rate_interval", "$__range"}


@each_panel
def test_the_series_of_a_panel_have_names(dashboard: Json, panel: Json) -> None:
    if panel["type"] in ("stat", "table"):
        return
    for target in panel["targets"]:
        assert target["legendFormat"] != "__auto"
        for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            assert label in target["expr"] or label == "instance", (label, target["expr"])


@each_dashboard
def test_every_choice_at_the_top_narrows_some_panel(dashboard: Json) -> None:
    asked = " ".join(target["expr"] for panel in panels(dashboard) for target in panel["targets"])
    choices = {variable["name"] for variable in dashboard["templating"]["list"]} - {"datasource"}

    assert {name for name in choices if f"${name}" not in asked} == set()


@each_dashboard
def test_a_dashboard_is_linked_with_its_sisters(dashboard: Json) -> None:
    link = dashboard["links"][0]

    assert dashboard["tags"] == link["tags"] == [TAG]
    assert link["includeVars"]
    assert link["keepTime"]


@each_dashboard
def test_panels_lie_side_by_side_and_fill_their_rows(dashboard: Json) -> None:
    cells: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in cells, f"{panel['title']} lies on {cells[x, y]}"
                cells[x, y] = panel["title"]
    holes = {(x, y) for x in range(24) for y in range(max(y for _, y in cells))} - cells.keys()

    assert holes == set()
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_a_link_leads_to_a_dashboard_that_is_there() -> None:
    uids = {dashboard["uid"] for dashboard in dashboards()}
    links = [link["url"] for _, panel in FINE for link in panel["fieldConfig"]["defaults"].get("links", [])]
    found = [re.match(r"/d/([\w-]+)\?", url) for url in links]

    assert links
    assert {match and match[1] for match in found} <= uids


def test_an_alert_that_a_description_names_is_there() -> None:
    named = {name for _, panel in FINE for name in re.findall(r"\bGateway[A-Z]\w+", panel["description"])}

    assert named
    assert named - {rule["alert"] for rule in alerts()} == set()


def test_states_have_the_colours_of_the_admin() -> None:
    css = (ROOT / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
    dark = dict(re.findall(r"--([\w-]+): light-dark\([^,]+, (#\w+)\)", css))

    assert {state: dark[state] for state in ("ready", "resting", "exhausted", "dead", "disabled")} == {
        "ready": READY,
        "resting": RESTING,
        "exhausted": EXHAUSTED,
        "dead": DEAD,
        "disabled": DISABLED,
    }
