"""Bringing environment and database together at start, by the rule that the last change wins.

The rule itself is pure (gateway/settings/resolution.py); here it is carried out on the store.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.control.moving_in import Moved, adopt
from gateway.control.results import Actor
from gateway.control.setting_trail import told_change
from gateway.control.trail import Trail
from gateway.log import get_logger
from gateway.pool.key import GEMINI, VERTEX
from gateway.protocols.redaction import masked
from gateway.settings.catalogue import BY_NAME
from gateway.settings.fingerprints import canonical
from gateway.settings.model import LiveSettings
from gateway.settings.resolution import Origin, Resolution, RowPlan, Stored, merge_rows, resolve
from gateway.settings.sources import Sources
from gateway.store.records import KeyRow, SettingValue, TokenRow
from gateway.store.secrets import secret_hash
from gateway.store.store import Store

log = get_logger("gateway.control")
_ENVIRONMENT = Actor("environment")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the gateway starts with.

    new_admin_token   the administrator's token if it was made up just now, else None: shown once
    moved             what this first start took over from gemini-balance; None when it found nothing
    """

    settings: LiveSettings
    origins: Mapping[str, Origin]
    new_admin_token: str | None
    moved: Moved | None = None


def configure(
    store: Store,
    sources: Sources,
    *,
    new_token: Callable[[], str] = lambda: f"sk-{secrets.token_urlsafe(24)}",
) -> Configuration:
    """Merge the environment into the database and give the settings that result.

    Blocks: called before the loop runs. One transaction, so that two replicas starting together agree.
    """
    return store.write_sync(lambda: _configure(store, sources, new_token))


def _configure(store: Store, sources: Sources, new_token: Callable[[], str]) -> Configuration:
    stored = store.settings.all()
    moved = None
    if not stored and (moved := adopt(store, sources.live)) is not None:
        stored = store.settings.all()
    resolution = resolve(
        sources.live,
        stored_settings(stored),
        allowed_tokens=sources.rows.allowed_tokens,
    )
    made_up: str | None = None
    if resolution.needs_admin_token:
        made_up = new_token()
        resolution = resolution.with_admin_token(made_up)
    _note_changes(store, stored, resolution)
    _write(store, resolution)
    _merge_keys(store, GEMINI, "API_KEYS", sources.rows.api_keys, stored)
    _merge_keys(store, VERTEX, "VERTEX_API_KEYS", sources.rows.vertex_api_keys, stored)
    _merge_tokens(store, sources, stored)
    for change in resolution.changes:
        log.info("setting_changed_by_environment", change=change)
    for warning in resolution.warnings:
        log.warning("stored_setting_unusable", warning=warning)
    return Configuration(resolution.settings, resolution.origins, made_up, moved)


def _note_changes(store: Store, stored: Mapping[str, SettingValue], resolution: Resolution) -> None:
    """Have the audit say what the environment changed since the last start; the first one changes nothing."""
    if not stored:
        return
    before, trail = resolve({}, stored_settings(stored)).settings, Trail(store)
    for row in resolution.to_store:
        description = BY_NAME[row.name]
        old: object = getattr(before, description.attribute)
        new: object = getattr(resolution.settings, description.attribute)
        if canonical(old) != canonical(new):
            trail.note(_ENVIRONMENT, "changed", f"setting {row.name}", told_change(description, old, new))


def _write(store: Store, resolution: Resolution) -> None:
    store.settings.put(
        SettingValue(row.name, row.value, row.fingerprint, row.origin.value, secret=row.secret)
        for row in resolution.to_store
    )


def _merge_keys(
    store: Store,
    provider: str,
    name: str,
    listed: tuple[str, ...] | None,
    stored: Mapping[str, SettingValue],
) -> None:
    """Merge the environment's list of one provider's keys into the rows."""
    plan = _plan(name, listed, stored, store.keys.origins(provider))
    if plan.fingerprint is None:
        return
    removed = store.keys.remove(plan.remove, provider=provider)
    added = store.keys.add(
        KeyRow(secret=secret, alias=masked(secret), provider=provider, origin=Origin.ENVIRONMENT.value)
        for secret in plan.add
    )
    _remember(store, name, plan)
    log.info("keys_merged_from_environment", provider=provider, added=added, removed=removed)


def _merge_tokens(store: Store, sources: Sources, stored: Mapping[str, SettingValue]) -> None:
    plan = _plan("ALLOWED_TOKENS", sources.rows.allowed_tokens, stored, store.tokens.origins())
    if plan.fingerprint is None:
        return
    removed = store.tokens.remove(plan.remove)
    added = store.tokens.add(
        TokenRow(secret=secret, alias=masked(secret), origin=Origin.ENVIRONMENT.value) for secret in plan.add
    )
    _remember(store, "ALLOWED_TOKENS", plan)
    log.info("tokens_merged_from_environment", added=added, removed=removed)


def _plan(
    name: str,
    listed: tuple[str, ...] | None,
    stored: Mapping[str, SettingValue],
    existing: list[tuple[str, str]],
) -> RowPlan:
    known = stored[name].fingerprint if name in stored else None
    rows = [(hashed, _origin(origin)) for hashed, origin in existing]
    return merge_rows(name, listed, known, rows, identity=secret_hash)


def _remember(store: Store, name: str, plan: RowPlan) -> None:
    """Keep the list's fingerprint in a setting's row without a value."""
    store.settings.put([SettingValue(name, "null", plan.fingerprint, Origin.ENVIRONMENT.value)])


def stored_settings(rows: Mapping[str, SettingValue]) -> dict[str, Stored]:
    """Rows as the rule of the last change reads them."""
    return {name: Stored(row.value, row.fingerprint, _origin(row.origin)) for name, row in rows.items()}


def _origin(text: str) -> Origin:
    """Read a stored origin; one this version does not know, of an import or a newer one, is a person's."""
    return Origin(text) if text in set(Origin) else Origin.ADMIN
