"""Tables: what several queries say of the same labels, a row for each."""

from dataclasses import dataclass

from grafana.looks import PLAIN, Steps, words_for_codes
from grafana.panels import Json, Panel, Query


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    field    what the query's answer calls it: a label, or "Value #A" for the first query's value
    states   its values are codes of states
    steps    colours its values
    """

    field: str
    title: str
    unit: str = ""
    states: bool = False
    steps: Steps | None = None
    width: int | None = None

    def override(self) -> Json:
        properties: list[Json] = []
        if self.unit:
            properties.append({"id": "unit", "value": self.unit})
        if self.states:
            properties.append({"id": "mappings", "value": words_for_codes()})
        if self.steps:
            properties.append({"id": "thresholds", "value": self.steps.json()})
        if self.states or self.steps:
            properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
        if self.width is not None:
            properties.append({"id": "custom.width", "value": self.width})
        return {"matcher": {"id": "byName", "options": self.title}, "properties": properties}


def table(
    title: str,
    description: str,
    *queries: Query,
    columns: tuple[Column, ...],
    sort: str,
    width: int = 24,
    height: int = 10,
) -> Panel:
    """What several queries say of the same labels, in one row for each.

    columns   in their order; what has no column is not shown
    sort      the title of the column that the worst or largest comes first by
    """
    order = {column.field: index for index, column in enumerate(columns)}
    names = {column.field: column.title for column in columns}
    return Panel(
        kind="table",
        title=title,
        description=description,
        queries=queries,
        defaults={
            "noValue": "–",
            "color": {"mode": "thresholds"},
            "thresholds": PLAIN.json(),
            "custom": {
                "align": "auto",
                "filterable": True,
                "inspect": False,
                "cellOptions": {"type": "auto"},
            },
        },
        options={
            "showHeader": True,
            "cellHeight": "sm",
            "sortBy": [{"displayName": sort, "desc": True}],
            "footer": {"show": False, "reducer": ["sum"], "countRows": False},
        },
        overrides=tuple(column.override() for column in columns if column.override()["properties"]),
        transformations=(
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"names": list(order)}}},
            {"id": "organize", "options": {"indexByName": order, "renameByName": names, "excludeByName": {}}},
        ),
        form="table",
        instant=True,
        width=width,
        height=height,
    )
