"""`/api/admin/settings…`: listed, changed, reset, exported and imported."""

from admin.api import shapes
from admin.api.base import ApiError, ApiHandler
from admin.api.reading import Wish
from gateway.control.results import FieldError
from gateway.control.setting_desk import read_value
from gateway.settings.unusable import Unusable


class SettingsHandler(ApiHandler):
    """`/settings`: PATCH takes an object of NAME: value, all or nothing."""

    async def get(self) -> None:
        self.answer({"settings": [shapes.setting(view) for view in await self.desk.settings.all()]})

    async def patch(self) -> None:
        self.answer({"changed": self.granted(await self.desk.settings.change(self.wish(), self.actor))})


class SettingResetHandler(ApiHandler):
    """`/settings/reset`: `names`, or `all`."""

    async def post(self) -> None:
        wish = Wish(self.wish())
        names, everything = wish.texts("names"), wish.switch("all", usual=False)
        wish.done()
        if (names is None) != everything:
            raise ApiError(
                422, "Name either names or all.", [FieldError("names", "Name either names or all.")]
            )
        if names is None:
            result = await self.desk.settings.reset_all(self.actor)
        else:
            result = await self.desk.settings.reset(names, self.actor)
        self.answer({"reset": self.granted(result)})


class SettingExportHandler(ApiHandler):
    """`/settings/export`: `format` env or json, with secrets unless `secrets` is false."""

    async def post(self) -> None:
        wish = Wish(self.wish())
        form, with_secrets = wish.text("format", "env"), wish.switch("secrets", usual=True)
        wish.done()
        if form not in ("env", "json"):
            raise ApiError(422, "format: must be env or json", [FieldError("format", "must be env or json")])
        text = await self.desk.settings.export(as_json=form == "json", with_secrets=with_secrets)
        self.set_header("Content-Type", "application/json" if form == "json" else "text/plain; charset=UTF-8")
        name = "settings.json" if form == "json" else "gateway.env"
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.finish(text)


class SettingImportHandler(ApiHandler):
    """`/settings/import`: the body is a `.env` file or JSON."""

    async def post(self) -> None:
        text = self.request.body.decode("utf-8", "replace")
        self.answer({"changed": self.granted(await self.desk.settings.take_in(text, self.actor))})


class ProxyCheckHandler(ApiHandler):
    """`/proxies/check`: `proxies`, or those of the settings; without any the direct way is tried."""

    async def post(self) -> None:
        wish = Wish(self.wish())
        given = wish.texts("proxies")
        wish.done()
        reach = self.desk.reach
        if given is None:
            ways = await reach.through() or [await reach.direct()]
        else:
            try:
                proxies = read_value("PROXIES", list(given))
            except Unusable as error:
                words = str(error)
                raise ApiError(422, f"proxies: {words}", [FieldError("proxies", words)]) from None
            ways = await reach.through([str(each) for each in proxies])  # type: ignore[attr-defined]  # a tuple of texts
        self.answer({"ways": [shapes.way_out(way) for way in ways]})
