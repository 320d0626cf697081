"""The last change wins: brings the environment and the database together into one snapshot.

At first start the environment fills the database. Afterwards an edit in the admin page wins, until the
environment's value itself changes. Pure but for fresh salts; control and store carry out what it says.
"""

import enum
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import orjson

from gateway.settings.catalogue import BY_NAME, DESCRIPTIONS, SettingDescription, text_of
from gateway.settings.fingerprints import NewSalt, canonical, fingerprint, matches
from gateway.settings.model import LiveSettings
from gateway.settings.sources import check_value


class Origin(enum.StrEnum):
    """Who a value comes from; the value is what the database keeps."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    ADMIN = "admin"
    DERIVED = "derived"  # AUTH_TOKEN from the first of ALLOWED_TOKENS
    GENERATED = "generated"  # AUTH_TOKEN made up at first start


@dataclass(frozen=True, slots=True)
class Stored:
    """A setting's row as it was read.

    value         JSON text (`canonical`)
    fingerprint   of the environment's last seen value, None when the environment never had one
    """

    value: str = field(repr=False)
    fingerprint: str | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting's row to write, whole. `secret` rows are encrypted when ENCRYPTION_KEY is set."""

    name: str
    value: str = field(repr=False)
    fingerprint: str | None
    origin: Origin
    secret: bool


@dataclass(frozen=True, slots=True)
class Resolution:
    """What follows from environment and database.

    origins    name -> where the value in `settings` comes from, for every live setting
    to_store   rows to write before the first call is served
    changes    sentences for the log about stored values the environment replaced; no secrets
    warnings   sentences for the log about stored values that cannot be used; no secrets
    needs_admin_token   AUTH_TOKEN has no value anywhere: make one up and call `with_admin_token`
    """

    settings: LiveSettings
    origins: Mapping[str, Origin]
    to_store: tuple[SettingRow, ...]
    changes: tuple[str, ...]
    warnings: tuple[str, ...]
    needs_admin_token: bool

    def with_admin_token(self, token: str) -> "Resolution":
        """Give the same with a generated AUTH_TOKEN, to be stored and used."""
        description = BY_NAME["AUTH_TOKEN"]
        row = SettingRow(description.name, canonical(token), None, Origin.GENERATED, secret=True)
        return replace(
            self,
            settings=self.settings.model_copy(
                update={description.attribute: check_value(description, token)}
            ),
            origins=MappingProxyType({**self.origins, description.name: Origin.GENERATED}),
            to_store=(*self.to_store, row),
            needs_admin_token=False,
        )


@dataclass(frozen=True, slots=True)
class _Settled:
    """The outcome for one setting; `row` is None when the database need not change."""

    value: object = field(repr=False)
    origin: Origin
    row: SettingRow | None = None
    change: str | None = None
    warning: str | None = None


def fresh_salt() -> str:
    return secrets.token_hex(8)


def resolve(
    environment: Mapping[str, object],
    stored: Mapping[str, Stored],
    *,
    allowed_tokens: tuple[str, ...] | None = None,
    new_salt: NewSalt = fresh_salt,
) -> Resolution:
    """Bring the environment's values and the stored rows together.

    environment      `Sources.live`: only what is set
    stored           every row of the database by name; rows this version does not know are left alone
    allowed_tokens   `Sources.rows.allowed_tokens`: its first is the admin token when nothing else is

    With an empty environment this turns the rows into a snapshot, as after a change made by another process.
    """
    settled = {
        each.name: _settle(each, environment.get(each.name), stored.get(each.name), new_salt)
        for each in DESCRIPTIONS
        if each.model is LiveSettings
    }
    settled["AUTH_TOKEN"] = _admin_token(settled["AUTH_TOKEN"], allowed_tokens)
    outcomes = settled.values()
    settings = LiveSettings.model_validate(
        {
            BY_NAME[name].attribute: each.value
            for name, each in settled.items()
            if each.origin is not Origin.DEFAULT
        }
    )
    return Resolution(
        settings=settings,
        origins=MappingProxyType({name: each.origin for name, each in settled.items()}),
        to_store=tuple(each.row for each in outcomes if each.row is not None),
        changes=tuple(each.change for each in outcomes if each.change is not None),
        warnings=tuple(each.warning for each in outcomes if each.warning is not None),
        needs_admin_token=not settings.auth_token,
    )


def _settle(
    description: SettingDescription, given: object | None, stored: Stored | None, new_salt: NewSalt
) -> _Settled:
    kept, warning = _usable(description, stored)
    if given is None:
        if kept is None:
            return _Settled(description.default, Origin.DEFAULT, warning=warning)
        return kept
    if kept is not None and stored is not None and matches(description, given, stored.fingerprint):
        return kept
    row = _row(description, given, fingerprint(description, given, new_salt()), Origin.ENVIRONMENT)
    change = None
    if kept is not None and kept.value != given:
        change = _change(description, kept, given, "the environment's value is new and wins")
    return _Settled(given, Origin.ENVIRONMENT, row, change, warning)


def _usable(description: SettingDescription, stored: Stored | None) -> tuple[_Settled | None, str | None]:
    """Give the stored value if there is one and it may still be used, or why not."""
    if stored is None:
        return None, None
    try:
        value = check_value(description, orjson.loads(stored.value))
    except ValueError as error:  # orjson.JSONDecodeError is one
        why = "is not readable" if isinstance(error, orjson.JSONDecodeError) else str(error)
        return None, f"{description.name} in the database {why}; it is left out."
    return _Settled(value, stored.origin), None


def _admin_token(settled: _Settled, allowed_tokens: tuple[str, ...] | None) -> _Settled:
    """Derive the administrator's token from the first client token, unless someone chose one on purpose.

    It is stored, so that a new machine on the old database has it too, and it follows the list: a token taken
    out of it must stop working. An admin's edit is never overruled by the list: a token put in front for a
    client must not become the password.
    """
    chosen = settled.value and settled.origin in (Origin.ENVIRONMENT, Origin.ADMIN)
    if chosen or allowed_tokens is None:
        return settled
    description = BY_NAME["AUTH_TOKEN"]
    if not allowed_tokens:
        if settled.origin is not Origin.DERIVED:
            return settled
        gone = "AUTH_TOKEN lost its value: it was the first of ALLOWED_TOKENS, which is empty now."
        return _Settled(description.default, Origin.DEFAULT, change=gone)
    first = allowed_tokens[0]
    if settled.origin is Origin.DERIVED and settled.value == first:
        return settled
    row = _row(description, first, settled.row.fingerprint if settled.row else None, Origin.DERIVED)
    change = None
    if settled.value:
        change = _change(description, settled, first, "the first of ALLOWED_TOKENS is new and wins")
    return _Settled(first, Origin.DERIVED, row, change, settled.warning)


def _row(description: SettingDescription, value: object, mark: str | None, origin: Origin) -> SettingRow:
    return SettingRow(description.name, canonical(value), mark, origin, description.about.secret)


def _change(description: SettingDescription, old: _Settled, new: object, why: str) -> str:
    values = "" if description.about.secret else f" from {text_of(old.value)} to {text_of(new)}"
    return f"{description.name} changed{values}: {why} over the value from {old.origin.value}."


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What the environment's list means for the rows of keys or tokens.

    add           values to add with origin `environment`, in the order of the list
    remove        identities of rows to remove: they came from the environment and are in its list no longer
    fingerprint   to keep for the next start, None when there is nothing to change
    """

    add: tuple[str, ...] = field(default=(), repr=False)
    remove: tuple[str, ...] = field(default=(), repr=False)
    fingerprint: str | None = None


def merge_rows(
    name: str,
    listed: tuple[str, ...] | None,
    known: str | None,
    existing: Iterable[tuple[str, Origin]],
    *,
    identity: Callable[[str], str] = str,
    new_salt: NewSalt = fresh_salt,
) -> RowPlan:
    """Plan the merge of API_KEYS or ALLOWED_TOKENS into its rows.

    listed     the environment's list; None: not set, nothing happens; (): set and empty, its rows go
    known      the fingerprint of the list at its last merge, None for never
    existing   (identity, origin) of every row
    identity   turns a value into what a row is known by, for rows that hold only a hash

    Nothing happens while the list stays the same, so what the admin removed stays removed. Rows of the admin
    are never touched. The order of the list does not matter.
    """
    description = BY_NAME[name]
    if listed is None or matches(description, members := tuple(sorted(set(listed))), known):
        return RowPlan()
    by_identity = {identity(value): value for value in listed}
    rows = dict(existing)
    return RowPlan(
        add=tuple(value for each, value in by_identity.items() if each not in rows),
        remove=tuple(
            each for each, origin in rows.items() if origin is Origin.ENVIRONMENT and each not in by_identity
        ),
        fingerprint=fingerprint(description, members, new_salt()),
    )
