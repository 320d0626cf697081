"""Taking in what gemini-balance left in a database: keys, tokens, settings and files. Logs: old_logs.py.

A first start does it by itself when the tables stand in its own database; the command line does it from
anywhere, again and again. The old tables are only read.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.control.old_settings import ADMIN_TOKEN, KEY_LISTS, Left, OldValues, read_old
from gateway.control.results import Actor
from gateway.control.trail import Trail
from gateway.log import get_logger
from gateway.protocols.redaction import masked
from gateway.settings.catalogue import BY_NAME
from gateway.settings.fingerprints import canonical, fingerprint
from gateway.settings.resolution import Origin, fresh_salt
from gateway.store.gemini_balance import GeminiBalance, OldFile
from gateway.store.records import BoundObject, KeyEvent, KeyRow, SettingValue, TokenRow
from gateway.store.secrets import secret_hash
from gateway.store.store import Store

log = get_logger("gateway.control")
IMPORT = "import"
"""The origin of what came from another program; for settings it counts as a person's."""
_OLD_NAME = "gemini-balance"
_FREE = frozenset((Origin.DERIVED.value, Origin.GENERATED.value, Origin.DEFAULT.value))
_FIRST_START = Actor("first start")


@dataclass(frozen=True, slots=True)
class Found:
    """What the old tables hold, but for the logs."""

    values: OldValues
    files: tuple[OldFile, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Came:
    """How many came, and how many were here already."""

    new: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class Moved:
    """What was taken in.

    keys       by provider · settings: names · files: those Google still has
    key_ids    of the new keys
    left       what was not taken, and why
    """

    keys: Mapping[str, Came]
    tokens: Came
    settings: tuple[str, ...]
    files: int
    left: tuple[Left, ...]
    key_ids: tuple[int, ...] = ()


def find(old: GeminiBalance) -> Found:
    """Read the old tables; inside a reading of whatever database they stand in."""
    return Found(read_old(old.settings()), tuple(old.files()))


def adopt(store: Store, environment: Mapping[str, object]) -> Moved | None:
    """Take in what stands beside our own tables at their first start; None when nothing does.

    Inside `Store.write`.
    """
    if not store.gemini_balance.is_there():
        return None
    moved = take_in(store, find(store.gemini_balance), _FIRST_START, environment=environment)
    _tell(moved)
    return moved


def take_in(
    store: Store, found: Found, actor: Actor, *, environment: Mapping[str, object] = MappingProxyType({})
) -> Moved:
    """Put what was found into our tables; what is here already stays as it is. Inside `Store.write`.

    environment   the settings of the environment, of which a first start has remembered none yet
    """
    left = list(found.values.left)
    keys: dict[str, Came] = {}
    key_ids: list[int] = []
    for provider in KEY_LISTS.values():
        keys[provider], new_ids = _take_keys(store, provider, found.values.keys[provider])
        key_ids += new_ids
    settings = _take_settings(store, found.values, environment, left)
    tokens = _take_tokens(store, _client_tokens(store, found.values))
    files = _take_files(store, found.files)
    if key_ids:
        now_ms = int(time.time() * 1000)
        store.key_events.add(KeyEvent(each, now_ms, "added", actor=actor.name) for each in key_ids)
    counts = {"keys": len(key_ids), "tokens": tokens.new, "settings": list(settings), "files": files}
    if any(counts.values()):
        Trail(store).note(actor, "imported", _OLD_NAME, counts)
    return Moved(MappingProxyType(keys), tokens, settings, files, tuple(left), tuple(key_ids))


def _take_keys(store: Store, provider: str, secrets: Sequence[str]) -> tuple[Came, list[int]]:
    hashes = [secret_hash(secret) for secret in secrets]
    there = store.keys.ids_of(hashes, provider)
    fresh = [secret for secret, each in zip(secrets, hashes, strict=True) if each not in there]
    store.keys.add(
        KeyRow(secret=secret, alias=masked(secret), provider=provider, origin=IMPORT) for secret in fresh
    )
    ids = store.keys.ids_of(hashes, provider)
    return Came(len(fresh), len(there)), [ids[each] for each in hashes if each not in there]


def _client_tokens(store: Store, values: OldValues) -> Sequence[str]:
    """The tokens clients have: also the old administrator's, where another one administrates here."""
    held = store.settings.all().get(ADMIN_TOKEN)
    old = values.settings.get(ADMIN_TOKEN)
    if old is None or held is None or held.value == canonical(old):
        return values.tokens
    return tuple(dict.fromkeys((*values.tokens, str(old))))


def _take_tokens(store: Store, secrets: Sequence[str]) -> Came:
    hashes = [secret_hash(secret) for secret in secrets]
    there = {each for each, _ in store.tokens.origins()}.intersection(hashes)
    store.tokens.add(
        TokenRow(secret=secret, alias=masked(secret), origin=IMPORT)
        for secret, each in zip(secrets, hashes, strict=True)
        if each not in there
    )
    return Came(len(hashes) - len(there), len(there))


def _take_settings(
    store: Store, values: OldValues, environment: Mapping[str, object], left: list[Left]
) -> tuple[str, ...]:
    held = store.settings.all()
    rows: list[SettingValue] = []
    for name, value in values.settings.items():
        known = held.get(name)
        if known is not None and known.origin not in _FREE:
            if known.value != canonical(value):
                left.append(Left(name, "was set here to another value, which stays"))
        elif name in environment or canonical(value) != canonical(BY_NAME[name].default):
            # What somebody saved in the old admin holds against an environment that did not count any more;
            # what the old gateway took from its environment gives way to one that says otherwise now.
            given = environment.get(name) if name in values.edited else None
            rows.append(_row(name, value, IMPORT, given))
    taken = tuple(row.name for row in rows)
    is_free = ADMIN_TOKEN not in held or held[ADMIN_TOKEN].origin in _FREE
    if ADMIN_TOKEN not in values.settings and values.tokens and is_free:
        rows.append(_row(ADMIN_TOKEN, values.tokens[0], Origin.DERIVED.value, None))
    store.settings.put(rows)
    return taken


def _row(name: str, value: object, origin: str, given: object | None) -> SettingValue:
    """A setting's row. `given` is the environment's value that is not new when this one is written."""
    description = BY_NAME[name]
    mark = None if given is None else fingerprint(description, given, fresh_salt())
    return SettingValue(name, canonical(value), mark, origin, secret=description.about.secret)


def _take_files(store: Store, files: Sequence[OldFile]) -> int:
    """Bind files that Google still has to the keys that made them. Their times are UTC."""
    now_ms = int(time.time() * 1000)
    living = [each for each in files if (_utc_ms(each.expires) or 0) > now_ms]
    keys = store.keys.ids_of([secret_hash(each.key) for each in living])
    tokens = store.tokens.ids_of({secret_hash(each.token) for each in living})
    rows = {
        each.name: BoundObject(
            name=each.name,
            key_id=keys[secret_hash(each.key)],
            token_id=tokens.get(secret_hash(each.token)),
            created_at_ms=_utc_ms(each.created) or now_ms,
            expires_at_ms=_utc_ms(each.expires),
        )
        for each in living
        if secret_hash(each.key) in keys and each.name.startswith("files/")
    }
    there = {each.name for each in store.objects.find(list(rows))}
    fresh = [row for name, row in rows.items() if name not in there]
    store.objects.put_new(fresh)
    return len(fresh)


def _utc_ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp() * 1000)


def _tell(moved: Moved) -> None:
    log.info(
        "gemini_balance_taken_in",
        keys=sum(each.new for each in moved.keys.values()),
        tokens=moved.tokens.new,
        settings=", ".join(moved.settings),
        files=moved.files,
        left="; ".join(f"{each.name} {each.why}" for each in moved.left),
        logs="the page of settings offers them, and `python -m gateway import gemini-balance` does",
    )
