"""`/api/admin/keys…`: listed, added, changed, checked, deleted, brought back, exported."""

from admin.api import exports, reading, shapes
from admin.api.base import ApiError, ApiHandler
from admin.api.reading import Wish
from gateway.control.key_tasks import ACTIONS
from gateway.control.key_views import KeyFilter
from gateway.control.paid_key import refuse_without_row
from gateway.control.results import FieldError


class _KeyPages(ApiHandler):
    async def answer_page(self, wanted: KeyFilter, page: int, page_size: int) -> None:
        found = await self.desk.key_list.page(wanted, page=page, page_size=page_size)
        self.answer(shapes.key_page(found))


class KeysHandler(_KeyPages):
    """`/keys`."""

    async def get(self) -> None:
        asked = self.asked()
        wanted = reading.key_filter(asked)
        if await self.desk.key_list.without_secrets(wanted) is not wanted:
            words = "A whole key does not belong in an address: post the filter to /api/admin/keys/find."
            raise ApiError(422, words, [FieldError("text", words)])
        page = reading.number(asked, "page", 1) or 1
        page_size = reading.number(asked, "page_size", 50) or 50
        await self.answer_page(wanted, page, page_size)

    async def post(self) -> None:
        text, new, dry_run = reading.new_keys(Wish(self.wish()))
        if dry_run:
            self.answer(shapes.preview(await self.desk.keys.preview(text, new.provider)))
            return
        result = self.granted(await self.desk.keys.add(text, new, self.actor))
        self.answer(shapes.added(result), status=201)


class KeysFindHandler(_KeyPages):
    """`/keys/find`: the list for a filter that is posted, since a whole key may be in it."""

    async def post(self) -> None:
        wish = Wish(self.wish())
        page, page_size = wish.whole("page", 1), wish.whole("page_size", 50)
        inner = wish.inner("filter") or Wish({})
        wish.done()
        await self.answer_page(reading.posted_filter(inner), page, page_size)


class KeyHandler(ApiHandler):
    """`/keys/ID`."""

    async def get(self, key_id: str) -> None:
        detail = await self.desk.key_list.detail(int(key_id))
        if detail is None:
            raise ApiError(404, "There is no such key.")
        self.answer(shapes.key_detail(detail))

    async def patch(self, key_id: str) -> None:
        edit = reading.key_edit(Wish(self.wish()))
        self.granted(refuse_without_row([int(key_id)]))
        if not self.granted(await self.desk.keys.change([int(key_id)], edit, self.actor)):
            raise ApiError(404, "There is no such key.")
        await self.get(key_id)

    async def delete(self, key_id: str) -> None:
        self.granted(refuse_without_row([int(key_id)]))
        deleted = await self.desk.keys.delete([int(key_id)], self.actor)
        if not deleted.count:
            raise ApiError(404, "There is no such key.")
        self.answer({"deleted": deleted.count, "undo": deleted.batch})


class KeyTasksHandler(ApiHandler):
    """`/keys/tasks`: something done to many keys, as a task."""

    async def post(self) -> None:
        wish = Wish(self.wish())
        action, inner = wish.text("action"), wish.inner("edit")
        selected = reading.selection(wish)
        wish.done()
        for known in ACTIONS:
            if action == known:
                edit = None if inner is None else reading.key_edit(inner)
                task = await self.desk.key_tasks.begin(known, selected, self.actor, edit=edit)
                self.answer(shapes.task(self.granted(task)), status=202)
                return
        words = f"must be one of {', '.join(ACTIONS)}"
        raise ApiError(422, f"action: {words}", [FieldError("action", words)])


class RevealHandler(ApiHandler):
    """`/keys/reveal`: keys in the clear."""

    async def post(self) -> None:
        wish = Wish(self.wish())
        ids = wish.ids("ids") or ()
        wish.done()
        found = self.granted(await self.desk.keys.reveal(ids, self.actor))
        self.answer(
            {"keys": [{"id": each.id, "provider": each.provider, "secret": each.secret} for each in found]}
        )


class KeyExportHandler(ApiHandler):
    """`/keys/export`: keys in the clear, as a file."""

    async def post(self) -> None:
        wish = Wish(self.wish())
        form = wish.text("format", "text")
        selected = reading.selection(wish)
        wish.done()
        if form not in exports.MEDIA_TYPES:
            words = f"must be one of {', '.join(exports.MEDIA_TYPES)}"
            raise ApiError(422, f"format: {words}", [FieldError("format", words)])
        count = await exports.send_keys(self, form, self.desk.key_tasks.export(selected))
        await self.desk.keys.note_export(count, self.actor)


class TagsHandler(ApiHandler):
    """`/keys/tags`."""

    async def get(self) -> None:
        self.answer({"tags": await self.desk.key_list.tags()})
