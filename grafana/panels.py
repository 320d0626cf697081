"""The kinds of panels the dashboards have, as values that know their JSON.

The shapes are Grafana's own (the schema of 11.6, which later ones read); tests/grafana checks them against
its published types. Tables are in tables.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grafana.looks import PLAIN, Steps, words_for_codes

Json = dict[str, Any]
SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
NOTHING = "no data"


@dataclass(frozen=True, slots=True)
class Query:
    """legend   what a series is called: labels in double braces"""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel without its place.

    width, height   in Grafana's grid, 24 columns wide
    form            how the data source answers: "time_series", "table" or "heatmap"
    instant         only the value at the end of the time shown is asked for
    """

    kind: str
    title: str
    description: str
    queries: tuple[Query, ...]
    defaults: Json
    options: Json
    width: int = 12
    height: int = 8
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()
    form: str = "time_series"
    instant: bool = False

    def json(self, number: int, x: int, y: int) -> Json:
        written: Json = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": [self._target(index, query) for index, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": self.defaults, "overrides": list(self.overrides)},
            "options": self.options,
        }
        if self.transformations:
            written["transformations"] = list(self.transformations)
        return written

    def _target(self, index: int, query: Query) -> Json:
        return {
            "refId": chr(ord("A") + index),
            "datasource": SOURCE,
            "editorMode": "code",
            "expr": query.expr,
            "format": self.form,
            "instant": self.instant,
            "range": not self.instant,
            "legendFormat": query.legend or "__auto",
        }


def series(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    stacked: bool = False,
    colours: Mapping[str, str] | None = None,
    steps: Steps | None = None,
    most: float | None = None,
    width: int = 12,
) -> Panel:
    """Lines over time, or stacked areas.

    colours   of series by their names
    steps     thresholds to draw as lines
    most      the axis reaches at least so high
    """
    custom: Json = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked else 8,
        "showPoints": "auto",
        "pointSize": 4,
        "spanNulls": False,
        "axisSoftMin": 0,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if steps else "off"},
    }
    if most is not None:
        custom["axisSoftMax"] = most
    return Panel(
        kind="timeseries",
        title=title,
        description=description,
        queries=queries,
        defaults={
            "unit": unit,
            "min": 0,
            "noValue": NOTHING,
            "color": {"mode": "palette-classic"},
            "thresholds": (steps or PLAIN).json(),
            "custom": custom,
        },
        options={
            "legend": {
                "showLegend": True,
                "displayMode": "table",
                "placement": "bottom",
                "calcs": ["mean", "max", "lastNotNull"],
                "sortBy": "Last *",
                "sortDesc": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        overrides=tuple(_in_colour(name, colour) for name, colour in (colours or {}).items()),
        width=width,
    )


def stat(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str,
    steps: Steps = PLAIN,
    nothing: str = NOTHING,
    instant: bool = False,
    decimals: int | None = None,
    link: Json | None = None,
    shows: str = "auto",
    width: int = 4,
) -> Panel:
    """One number, coloured by its thresholds, over its course where it is asked for over time.

    shows   "name" for the legend in the place of the number
    """
    defaults: Json = {
        "unit": unit,
        "noValue": nothing,
        "color": {"mode": "thresholds"},
        "thresholds": steps.json(),
        "links": [link] if link else [],
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    return Panel(
        kind="stat",
        title=title,
        description=description,
        queries=(query,),
        defaults=defaults,
        options={
            "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
            "colorMode": "value",
            "graphMode": "none" if instant else "area",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": shows,
            "wideLayout": True,
            "showPercentChange": False,
        },
        instant=instant,
        width=width,
        height=4,
    )


def bars(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str,
    steps: Steps = PLAIN,
    most: float | None = None,
    width: int = 12,
) -> Panel:
    """A bar for each series, by its value at the end of the time shown."""
    defaults: Json = {
        "unit": unit,
        "min": 0,
        "noValue": NOTHING,
        "color": {"mode": "thresholds"},
        "thresholds": steps.json(),
    }
    if most is not None:
        defaults["max"] = most
    return Panel(
        kind="bargauge",
        title=title,
        description=description,
        queries=(query,),
        defaults=defaults,
        options={
            "displayMode": "basic",
            "orientation": "horizontal",
            "valueMode": "color",
            "namePlacement": "left",
            "showUnfilled": True,
            "sizing": "auto",
            "minVizWidth": 8,
            "minVizHeight": 16,
            "maxVizHeight": 300,
            "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
            "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []},
        },
        instant=True,
        width=width,
    )


def heatmap(title: str, description: str, query: Query, *, unit: str, width: int = 12) -> Panel:
    """How the observations of a histogram spread over time."""
    return Panel(
        kind="heatmap",
        title=title,
        description=description,
        queries=(query,),
        defaults={
            "noValue": NOTHING,
            "custom": {"hideFrom": {"legend": False, "tooltip": False, "viz": False}},
        },
        options={
            "calculate": False,
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "scale": "exponential",
                "exponent": 0.5,
                "fill": "dark-orange",
                "reverse": False,
                "steps": 64,
            },
            "cellGap": 1,
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "yHistogram": True},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
        },
        form="heatmap",
        width=width,
    )


def timeline(title: str, description: str, query: Query, *, height: int = 10) -> Panel:
    """The states of keys over time, one line each; the query gives their codes."""
    return Panel(
        kind="state-timeline",
        title=title,
        description=description,
        queries=(query,),
        defaults={
            "noValue": NOTHING,
            "color": {"mode": "thresholds"},
            "thresholds": PLAIN.json(),
            "mappings": words_for_codes(),
            "custom": {"lineWidth": 0, "fillOpacity": 85},
        },
        options={
            "mergeValues": True,
            "showValue": "never",
            "alignValue": "left",
            "rowHeight": 0.85,
            "perPage": 30,
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        },
        width=24,
        height=height,
    )


def _in_colour(name: str, colour: str) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    }
