"""`/keys/ID`: everything about one key, and the form to change what is said of it."""

from collections.abc import Mapping

from tornado.web import HTTPError

from admin.charts import outcome_chart
from admin.contexts.keys import KeyDetailPage, KeyFields, ModelStanding
from admin.key_actions import KeyActions, read_tags
from admin.words import refusals
from gateway.control.endings import OUTCOMES, Ending
from gateway.control.key_edits import KeyEdit
from gateway.control.key_views import KeyDetail
from gateway.control.overview import Period, Step
from gateway.control.results import Refused
from gateway.store.call_query import CallQuery
from gateway.store.key_use import KeyHour
from gateway.store.rollup import HOUR_MS
from gateway.store.usage_sums import UsageSum

_DAY = Period("24h", 24 * HOUR_MS, HOUR_MS)
_CALLS_SHOWN = 10
_NONE = 0
"""What a weight that is no number counts as, which is refused."""


class KeyPageHandler(KeyActions):
    """The page; posted, it changes note, tags, project and weight."""

    async def get(self, key_id: str) -> None:
        await self._show(int(key_id))

    head = get

    async def post(self, key_id: str) -> None:
        fields = self._typed()
        weight = fields.weight
        edit = KeyEdit(
            note=fields.note,
            tags=read_tags(fields.tags),
            project=fields.project,
            weight=int(weight) if weight.isascii() and weight.isdigit() and len(weight) < 9 else _NONE,
        )
        changed = await self.desk.keys.change([int(key_id)], edit, self.actor)
        if isinstance(changed, Refused):
            await self._show(int(key_id), fields=fields, errors=refusals(changed, self.reader))
        elif not changed:
            raise HTTPError(404)
        else:
            self.go(f"/keys/{int(key_id)}", said=self.words("The key was changed."))

    async def _show(
        self, key_id: int, *, fields: KeyFields | None = None, errors: Mapping[str, str] | None = None
    ) -> None:
        detail = await self.desk.key_list.detail(key_id)
        if detail is None:
            raise HTTPError(404)
        calls = await self.desk.calls.page(CallQuery(key_id=key_id), limit=_CALLS_SHOWN)
        steps = _steps(detail.key.hours, self.now_ms // HOUR_MS)
        page = KeyDetailPage(
            now_ms=self.now_ms,
            detail=detail,
            models=_models(detail),
            chart=outcome_chart(steps, _DAY, self.reader),
            calls=calls.calls,
            fields=fields or _fields(detail),
            errors=errors or {},
        )
        await self.show("pages/key.html", page, status=422 if errors else 200)

    def _typed(self) -> KeyFields:
        field = self.get_body_argument
        return KeyFields(
            note=field("note", ""),
            tags=field("tags", ""),
            project=field("project", ""),
            weight=field("weight", ""),
        )


def _steps(hours: tuple[KeyHour, ...], last_hour: int) -> tuple[Step, ...]:
    """A key's attempts as the steps of a chart: served, or failed by the key or the provider."""
    by_hour = {each.hour: each for each in hours}
    steps = []
    for hour in range(last_hour - 23, last_hour + 1):
        each = by_hour.get(hour, KeyHour(hour, 0, 0))
        counts = {
            OUTCOMES[Ending.SUCCESS][0].value: each.attempts - each.failures,
            OUTCOMES[Ending.FAILED][0].value: each.failures,
        }
        steps.append(
            Step(hour * HOUR_MS, {name: count for name, count in counts.items() if count}, UsageSum())
        )
    return tuple(steps)


def _models(detail: KeyDetail) -> tuple[ModelStanding, ...]:
    """How the key stands with each model that something is known of, those that rest first."""
    explained = detail.explanation
    if explained is None:
        return ()
    buckets = {each.model: each for each in explained.buckets}
    names = {*buckets, *(each.model for each in explained.limits)}
    standings = [
        ModelStanding(name, buckets.get(name), tuple(each for each in explained.limits if each.model == name))
        for name in names
    ]
    resting = {each.model for each in detail.key.resting}
    return tuple(sorted(standings, key=lambda each: (each.model not in resting, each.model)))


def _fields(detail: KeyDetail) -> KeyFields:
    key = detail.key
    return KeyFields(
        note=key.note,
        tags=", ".join(key.tags),
        project=key.project_set or "",
        weight=str(key.weight),
    )
