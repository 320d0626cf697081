"""The few JSON addresses of gemini-balance that people's scripts use, now for the administrator only."""

from collections.abc import Sequence

from admin.api.base import ApiError, ApiHandler
from gateway.control.key_list import KeyList
from gateway.control.key_tasks import CHECKS_AT_ONCE, Selection
from gateway.control.key_views import KeyFilter
from gateway.control.tasks import Outcomes
from gateway.store.secrets import secret_hash

_MOST_AT_ONCE = 1_000
_KINDS = ("invalid_keys", "valid_keys")


class OldHandler(ApiHandler):
    """What they share: keys named in the clear, as scripts have them."""

    async def ids_of(self, secrets: Sequence[str]) -> dict[str, int]:
        """The ids of those of some keys that are here."""
        hashes = {secret_hash(secret): secret for secret in secrets}
        store = self.services.store
        found = await store.read(lambda: store.keys.ids_of(list(hashes)))
        return {hashes[hashed]: key_id for hashed, key_id in found.items()}

    def named_keys(self) -> list[str]:
        keys = self.wish().get("keys")
        if not isinstance(keys, list) or not keys or not all(isinstance(each, str) for each in keys):
            raise ApiError(400, 'Send the keys as a list: {"keys": ["…"]}.')
        if len(keys) > _MOST_AT_ONCE:
            raise ApiError(400, f"At most {_MOST_AT_ONCE} keys at once.")
        return keys


class KeysListHandler(OldHandler):
    """`/v1/keys/list`: every key in the clear, with its failures since Pacific midnight."""

    async def get(self) -> None:
        data: dict[str, dict[str, int]] = {"valid_keys": {}, "invalid_keys": {}}
        async for rows in self.desk.key_tasks.export(Selection(matching=KeyFilter(provider="gemini"))):
            views = {view.id: view for view in await self.desk.key_list.named([row.id for row in rows])}
            for row in rows:
                if view := views.get(row.id):
                    data[_KINDS[view.state == "active"]][row.secret] = view.use.failures
        total = sum(map(len, data.values()))
        await self.desk.keys.note_export(total, self.actor)
        self.answer({"status": "success", "data": data, "total": total})


class ResetAllHandler(OldHandler):
    """`/gemini/v1beta/reset-all-fail-counts?key_type=valid|invalid`."""

    async def post(self) -> None:
        wanted = self.asked().get("key_type", "")
        ready = await _ids(self.desk.key_list, "ready")
        ids = ready if wanted == "valid" else await _ids(self.desk.key_list, "")
        if wanted == "invalid":
            ids = [key_id for key_id in ids if key_id not in set(ready)]
        count = await self.desk.keys.reset(ids, self.actor)
        self.answer({"success": True, "message": f"{count} keys were reset.", "reset_count": count})


class ResetSelectedHandler(OldHandler):
    """`/gemini/v1beta/reset-selected-fail-counts`, with `{"keys": […]}`."""

    async def post(self) -> None:
        found = await self.ids_of(self.named_keys())
        count = await self.desk.keys.reset(list(found.values()), self.actor)
        self.answer({"success": count > 0, "message": f"{count} keys were reset.", "reset_count": count})


class ResetOneHandler(OldHandler):
    """`/gemini/v1beta/reset-fail-count/KEY`."""

    async def post(self, secret: str) -> None:
        found = await self.ids_of([secret])
        if not found:
            raise ApiError(404, "There is no such key.")
        await self.desk.keys.reset(list(found.values()), self.actor)
        self.answer({"success": True, "message": "The key was reset."})


class VerifyOneHandler(OldHandler):
    """`/gemini/v1beta/verify-key/KEY`: a small generation with TEST_MODEL."""

    async def post(self, secret: str) -> None:
        found = await self.ids_of([secret])
        if not found:
            raise ApiError(404, "There is no such key.")
        (key_id,) = found.values()
        result = await self.services.background.prober.check(key_id, generate=True)
        if result is not None and result.kind is None:
            self.answer({"status": "valid"})
            return
        self.answer({"status": "invalid", "error": "gone" if result is None else result.sentence})


class VerifySelectedHandler(OldHandler):
    """`/gemini/v1beta/verify-selected-keys`, with `{"keys": […]}`; only keys of the pool."""

    async def post(self) -> None:
        keys = self.named_keys()
        found = await self.ids_of(keys)
        passed: list[str] = []
        failed = {
            secret: {"error_message": "There is no such key.", "error_code": 404}
            for secret in keys
            if secret not in found
        }
        pairs = list(found.items())
        for start in range(0, len(pairs), CHECKS_AT_ONCE):
            part = dict(pairs[start : start + CHECKS_AT_ONCE])
            outcomes = await self._checked(list(part.values()))
            kinds = {key_id: outcome for outcome, ids in outcomes.items() for key_id in ids}
            for secret, key_id in part.items():
                if kinds.get(key_id) == "ok":
                    passed.append(secret)
                else:
                    failed[secret] = {"error_message": kinds.get(key_id, "gone"), "error_code": 400}
        self.answer(
            {
                "success": True,
                "message": f"{len(passed)} of {len(keys)} keys work.",
                "successful_keys": passed,
                "failed_keys": failed,
                "valid_count": len(passed),
                "invalid_count": len(failed),
            }
        )

    async def _checked(self, ids: Sequence[int]) -> Outcomes:
        return await self.desk.key_tasks.check(ids, generate=True)


async def _ids(key_list: KeyList, state: str) -> list[int]:
    return await key_list.ids(KeyFilter(provider="gemini", state=state))  # type: ignore[arg-type]  # "" or "ready"
