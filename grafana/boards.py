"""A dashboard as a value: rows of panels, variables, links to its sisters; and its JSON."""

from dataclasses import dataclass

from grafana.panels import SOURCE, Json, Panel

TAG = "gemini-balance-gateway"
_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard among the values of a label; several may be chosen, or all."""

    name: str
    label: str
    metric: str
    of: str = ""

    def json(self) -> Json:
        query = f"label_values({self.metric}, {self.of or self.name})"
        return {
            "type": "query",
            "name": self.name,
            "label": self.label,
            "datasource": SOURCE,
            "query": {"qryType": 1, "query": query, "refId": f"choices-{self.name}"},
            "regex": "",
            "refresh": 2,
            "sort": 1,
            "hide": 0,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "options": [],
            "skipUrlSync": False,
        }


JOB = Variable("job", "Job", "gateway_build_info")
DIALECT = Variable("dialect", "Dialect", "gateway_calls_total")
MODEL = Variable("model", "Model", "gateway_calls_total")


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading; they flow from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """uid stays the same for ever: bookmarks and links are made of it."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    since: str = "now-6h"

    def json(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": 41,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "timezone": "browser",
            "time": {"from": self.since, "to": "now"},
            "links": [_SISTERS],
            "annotations": {"list": [_ALERTS, _RESTARTS]},
            "templating": {"list": [_DATA_SOURCE, *(variable.json() for variable in self.variables)]},
            "panels": self._panels(),
        }

    def _panels(self) -> list[Json]:
        placed: list[Json] = []
        y = 0
        for row in self.rows:
            placed.append(_heading(row.title, len(placed) + 1, y))
            y += 1
            x = height = 0
            for panel in row.panels:
                if x + panel.width > _WIDTH:
                    x, y, height = 0, y + height, 0
                placed.append(panel.json(len(placed) + 1, x, y))
                x, height = x + panel.width, max(height, panel.height)
            y += height
        return placed


def link_to(uid: str, title: str) -> Json:
    """A link from a value to another dashboard, at the same time and choices."""
    return {
        "title": title,
        "url": f"/d/{uid}?${{__url_time_range}}&${{__all_variables}}",
        "targetBlank": False,
    }


def _heading(title: str, number: int, y: int) -> Json:
    place = {"h": 1, "w": _WIDTH, "x": 0, "y": y}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


_SISTERS: Json = {
    "type": "dashboards",
    "title": "Gateway",
    "tooltip": "",
    "icon": "external link",
    "tags": [TAG],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "url": "",
}

_DATA_SOURCE: Json = {
    "type": "datasource",
    "name": "datasource",
    "label": "Data source",
    "query": "prometheus",
    "regex": "",
    "refresh": 1,
    "hide": 0,
    "multi": False,
    "includeAll": False,
    "current": {},
    "options": [],
    "skipUrlSync": False,
}


def _annotation(name: str, colour: str, expr: str, text: str) -> Json:
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "titleFormat": name,
        "textFormat": text,
        "step": "60s",
        "useValueForTime": False,
    }


_ALERTS = _annotation(
    "Alerts",
    "#e0665c",
    'ALERTS{alertstate="firing", alertname=~"Gateway.+"}',
    "{{alertname}} {{model}} {{instance}}",
)
_RESTARTS = _annotation(
    "Starts",
    "#7f8a97",
    "changes(process_start_time_seconds[2m]) > 0 and on (job, instance) gateway_build_info",
    "{{instance}} was started",
)
