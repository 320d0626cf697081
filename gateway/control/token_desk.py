"""Changing access tokens: adding, generating, naming, limiting, showing, deleting; and who used what.

Every change is an entry of the audit and acts at once here and soon elsewhere (following.py).
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.control.following import Following
from gateway.control.limiter import Limiter, day_of
from gateway.control.results import Actor, FieldError, Refused
from gateway.control.tokens import TokenBook
from gateway.control.trail import Trail
from gateway.control.undo import Deleted, Undo, new_batch
from gateway.protocols.redaction import masked
from gateway.settings.live import LiveHolder
from gateway.store.records import TokenRow
from gateway.store.secrets import secret_hash
from gateway.store.store import Store
from gateway.store.usage import NamedUsage
from gateway.store.usage_sums import UsageSum

MOST_TOKENS = 10_000
MAX_NAME_CHARS = 100
SHORTEST, LONGEST = 6, 500
MOST_MODELS = 200
HIGHEST_COUNT = 10**12
_SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a token may do; None for no limit. `models` are names or patterns such as `gemini-*-flash*`."""

    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    models: tuple[str, ...] | None = None
    expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class TokenEdit:
    """What to change; None leaves a thing as it is, and `limits` replaces all of them."""

    name: str | None = None
    enabled: bool | None = None
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What a token used of one model."""

    model: str
    calls: int
    tokens: int


@dataclass(frozen=True, slots=True)
class TokenView:
    """One token, without its secret. The administrator's has the id 0 and cannot be changed here.

    today             calls that ended since midnight of the gateway's time zone
    failed            of those, calls that did not succeed
    requests_minute   counted for its limit in this minute; 0 without such a limit
    last_used_ms      when the hour began in which it was used last; 0 for never
    """

    id: int
    alias: str
    name: str
    origin: str
    enabled: bool
    created_at_ms: int
    limits: Limits
    today: UsageSum
    failed: int
    requests_minute: int
    last_used_ms: int


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just added, in the clear for the only time it is shown unasked."""

    id: int
    alias: str
    secret: str = field(repr=False)


class TokenDesk:
    """Reads and changes tokens. Raises StoreError when the database is away or refuses."""

    def __init__(
        self,
        store: Store,
        tokens: TokenBook,
        *,
        limiter: Limiter,
        live: LiveHolder,
        following: Following,
        trail: Trail,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._limiter = limiter
        self._live = live
        self._following = following
        self._trail = trail
        self._wall_s = wall_s
        self.undo = Undo(store, store.deleted_tokens, wall_s=wall_s)

    # Reading

    async def names(self) -> dict[int, str]:
        """What every token is called, by its id; the administrator's is not among them."""
        rows = await self._store.read(self._store.tokens.everything)
        return {row.id: row.name or row.alias for row in rows}

    async def all(self) -> list[TokenView]:
        """Every token with its use of today, the administrator's first."""
        rows = await self._store.read(self._store.tokens.everything)
        used = _by_token(await self._today())
        ids = [0, *(row.id for row in rows)]
        last = await self._store.read(lambda: self._store.usage.last_hours(ids))
        admin = TokenRow(secret="", alias=masked(self._live.current.auth_token), origin="setting")
        return [self._view(row, used, last) for row in (admin, *rows)]

    async def models(self, token_id: int, *, days: int = 1) -> list[ModelUse]:
        """What a token used by model, the most used first; today, or so many days with it."""
        now_s = self._wall_s()
        since_s = day_of(now_s, self._live.current.timezone).starts_s - (days - 1) * 86_400
        span = (int(since_s * 1000), int(now_s * 1000) + 1)
        sums = await self._store.read(lambda: self._store.usage.by("model", *span, token_id=token_id))
        found: dict[str, ModelUse] = {}
        for each in sums:
            name = str(each.name)
            held = found.get(name, ModelUse(name, 0, 0))
            found[name] = replace(
                held, calls=held.calls + each.sum.calls, tokens=held.tokens + each.sum.total_tokens
            )
        return sorted(found.values(), key=lambda use: (-use.calls, use.model))

    async def reveal(self, token_id: int, actor: Actor) -> str | None:
        """A token in the clear, because somebody asked for it; noted in the audit."""
        rows = await self._store.read(lambda: self._store.tokens.named([token_id]))
        if not rows:
            return None
        await self._store.write(lambda: self._note(actor, "revealed", [token_id]))
        return rows[0].secret

    # Changing

    async def add(
        self, name: str, actor: Actor, *, secret: str = "", limits: Limits | None = None
    ) -> NewToken | Refused:
        """Add a token; without a secret of one's own, one is generated."""
        limits = limits or Limits()
        errors = [
            *_name_errors(name),
            *_limit_errors(limits),
            *(self._secret_errors(secret) if secret else ()),
        ]
        if len(self._tokens) >= MOST_TOKENS:
            errors.append(FieldError("", "There are %(most)s tokens already.", {"most": MOST_TOKENS}))
        if refused := Refused.of(errors):
            return refused
        secret = secret or f"sk-{secrets.token_urlsafe(24)}"
        row = TokenRow(
            secret=secret,
            alias=masked(secret),
            name=name.strip(),
            requests_per_minute=limits.requests_per_minute,
            tokens_per_day=limits.tokens_per_day,
            models=limits.models,
            expires_at_ms=limits.expires_at_ms,
        )
        hashed = secret_hash(secret)

        def write() -> int | None:
            if not self._store.tokens.add([row]):
                return None
            token_id = self._store.tokens.ids_of([hashed])[hashed]
            self._trail.note(actor, "added", f"token {token_id}", {"name": row.name, "alias": row.alias})
            return token_id

        token_id = await self._store.write(write)
        if token_id is None:
            return Refused.because("secret", "There is such a token already.")
        await self._following.tokens_changed()
        return NewToken(token_id, row.alias, secret)

    async def change(self, token_id: int, edit: TokenEdit, actor: Actor) -> bool | Refused:
        """Change a token; False when there is none."""
        errors = [*_name_errors(edit.name or ""), *_limit_errors(edit.limits or Limits())]
        if refused := Refused.of(errors):
            return refused
        columns: dict[str, object] = {}
        if edit.name is not None:
            columns["name"] = edit.name.strip()
        if edit.enabled is not None:
            columns["enabled"] = edit.enabled
        if edit.limits is not None:
            columns |= {name: getattr(edit.limits, name) for name in Limits.__slots__}
        if not columns:
            return bool(await self._store.read(lambda: self._store.tokens.named([token_id])))
        changed = await self._store.write(lambda: self._change(token_id, columns, actor))
        if changed:
            await self._following.tokens_changed()
        return changed

    def _change(self, token_id: int, columns: Mapping[str, object], actor: Actor) -> bool:
        if not self._store.tokens.change([token_id], **columns):
            return False
        self._trail.note(actor, "changed", f"token {token_id}", columns)
        return True

    async def delete(self, token_id: int, actor: Actor) -> Deleted:
        """Delete a token: it opens nothing from now on, and can be brought back for some minutes."""
        batch = new_batch()

        def write() -> int:
            self._note(actor, "deleted", [token_id])
            return self.undo.take([token_id], batch)

        count = await self._store.write(write)
        if count:
            await self._following.tokens_changed()
        return Deleted(count, batch)

    async def undo_delete(self, batch: str, actor: Actor) -> int:
        """Bring a deleted token back; gives how many are."""
        ids = [token_id async for part in self.undo.bring_back(batch) for token_id in part]
        if ids:
            await self._store.write(lambda: self._note(actor, "restored", ids))
            await self._following.tokens_changed()
        return len(ids)

    def _note(self, actor: Actor, action: str, ids: Sequence[int]) -> None:
        """Have the audit say what became of tokens that are there."""
        for row in self._store.tokens.named(ids):
            self._trail.note(actor, action, f"token {row.id}", {"name": row.name, "alias": row.alias})

    async def _today(self) -> list[NamedUsage]:
        now_s = self._wall_s()
        day = day_of(now_s, self._live.current.timezone)
        span = (int(day.starts_s * 1000), int(now_s * 1000) + 1)
        return await self._store.read(lambda: self._store.usage.by("token_id", *span))

    def _view(
        self, row: TokenRow, used: Mapping[int, tuple[UsageSum, int]], last: Mapping[int, int]
    ) -> TokenView:
        today, failed = used.get(row.id, (UsageSum(), 0))
        return TokenView(
            id=row.id,
            alias=row.alias,
            name=row.name,
            origin=row.origin,
            enabled=row.enabled,
            created_at_ms=row.created_at_ms,
            limits=Limits(row.requests_per_minute, row.tokens_per_day, row.models, row.expires_at_ms),
            today=today,
            failed=failed,
            requests_minute=self._limiter.used(row.id)[0],
            last_used_ms=last.get(row.id, 0),
        )

    def _secret_errors(self, secret: str) -> list[FieldError]:
        if not SHORTEST <= len(secret) <= LONGEST or not (secret.isascii() and secret.isprintable()):
            values = {"low": SHORTEST, "high": LONGEST}
            return [FieldError("secret", "A token is %(low)s to %(high)s plain characters.", values)]
        if " " in secret:
            return [FieldError("secret", "A token has no spaces.")]
        if self._tokens.is_same(secret, [self._live.current.auth_token]):
            return [FieldError("secret", "This is the administrator's token; give clients one of their own.")]
        return []


def _by_token(sums: Sequence[NamedUsage]) -> dict[int, tuple[UsageSum, int]]:
    """Sums and failures by token."""
    found: dict[int, tuple[UsageSum, int]] = {}
    for each in sums:
        held, failed = found.get(int(each.name), (UsageSum(), 0))
        failed += 0 if each.outcome == _SUCCESS else each.sum.calls
        found[int(each.name)] = (held.plus(each.sum), failed)
    return found


def _name_errors(name: str) -> list[FieldError]:
    if len(name) <= MAX_NAME_CHARS and (not name or name.isprintable()):
        return []
    values = {"most": MAX_NAME_CHARS}
    return [FieldError("name", "A name has at most %(most)s characters and no line breaks.", values)]


def _limit_errors(limits: Limits) -> list[FieldError]:
    errors = []
    for name in ("requests_per_minute", "tokens_per_day"):
        value = getattr(limits, name)
        if value is not None and not 0 <= value <= HIGHEST_COUNT:
            errors.append(
                FieldError(name, "must be from 0 to %(high)s, or left out", {"high": f"{HIGHEST_COUNT:,}"})
            )
    models = limits.models or ()
    if len(models) > MOST_MODELS or any(
        not 0 < len(model) <= 256 or not model.isprintable() or " " in model for model in models
    ):
        errors.append(
            FieldError(
                "models", "must be at most %(most)s names or patterns without spaces", {"most": MOST_MODELS}
            )
        )
    if limits.expires_at_ms is not None and not 0 < limits.expires_at_ms < 10**14:
        errors.append(FieldError("expires_at_ms", "must be epoch milliseconds"))
    return errors
