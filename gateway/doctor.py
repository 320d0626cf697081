"""`doctor`: looks at settings, database, upstream and keys, changes no data, and says what is wrong."""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from gateway.building import database_config
from gateway.control.configuration import stored_settings
from gateway.control.reach import Reach, WayOut
from gateway.errors import StoreUnavailable
from gateway.settings.catalogue import DESCRIPTIONS, text_of
from gateway.settings.model import BootSettings, LiveSettings
from gateway.settings.resolution import Origin, Resolution, resolve
from gateway.settings.sources import Sources
from gateway.settings.weak import weakness
from gateway.store.looking import Seen, look
from gateway.store.secrets import Cipher
from gateway.upstream.curl import CurlTransport
from gateway.upstream.providers import read_provider

_MOST_SKEW_S = 60.0
_OK, _NOTE, _WRONG = "ok", "note", "WRONG"
_HIDDEN = "•••"


@dataclass
class Findings:
    """What was found, in order: (level, words); and settings that are not the default, with their origin."""

    found: list[tuple[str, str]] = field(default_factory=list)
    settings: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """How much keeps the gateway from working well, or safely."""
        return sum(level == _WRONG for level, _ in self.found)

    def good(self, words: str) -> None:
        self.found.append((_OK, words))

    def note(self, words: str) -> None:
        self.found.append((_NOTE, words))

    def bad(self, words: str) -> None:
        self.found.append((_WRONG, words))

    def text(self) -> str:
        """For people."""
        lines = [f"  {level:<6} {words}" for level, words in self.found]
        lines += [f"  set    {name} = {value} ({origin})" for name, value, origin in self.settings]
        lines.append(f"{self.wrong} wrong." if self.wrong else "Nothing is wrong.")
        return "\n".join(lines)

    def json(self) -> str:
        """For programs."""
        whole = {
            "wrong": self.wrong,
            "findings": [{"level": level.lower(), "words": words} for level, words in self.found],
            "settings": [
                {"name": name, "value": value, "origin": origin} for name, value, origin in self.settings
            ],
        }
        return orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode()


def examine(sources: Sources, *, as_json: bool = False) -> int:
    """Look at everything and print the findings; 1 when something is wrong."""
    findings = Findings()
    _settings(sources, findings)
    seen = _database(sources, findings)
    settings = _resolved(sources, seen, findings)
    _keys(sources, seen, findings)
    _guessable(sources, settings, findings)
    asyncio.run(_upstream(settings, findings))
    sys.stdout.write((findings.json() if as_json else findings.text()) + "\n")
    return 1 if findings.wrong else 0


def _settings(sources: Sources, findings: Findings) -> None:
    findings.good("The settings of environment and .env can be read.")
    for warning in sources.warnings:
        findings.note(warning)
    if sources.unknown_names:
        findings.note(f"Names in the .env file that are no setting: {', '.join(sources.unknown_names)}.")


def _database(sources: Sources, findings: Findings) -> Seen | None:
    config = database_config(sources.boot)
    try:
        seen = look(config, Cipher(sources.boot.encryption_key), int(time.time() * 1000))
    except StoreUnavailable as error:
        findings.bad(str(error))
        return None
    if seen.newer:
        findings.bad(
            f"{config.place} was written by a newer version of the gateway ({seen.newer[-1]}). "
            "Run that version."
        )
    elif seen.is_new and seen.gemini_balance:
        findings.note(
            f"{config.place} holds the tables of gemini-balance: the first start takes over its keys, tokens "
            "and settings."
        )
    elif seen.is_new:
        findings.note(f"{config.place} is empty: the first start will fill it.")
    elif seen.pending:
        findings.note(f"{config.place} is of an older version: the next start will bring it up to date.")
    else:
        findings.good(f"{config.place} can be used.")
    return seen


def _resolved(sources: Sources, seen: Seen | None, findings: Findings) -> LiveSettings:
    stored: Mapping[str, object] = {} if seen is None else seen.settings
    resolution = resolve(
        sources.live,
        stored_settings(stored),  # type: ignore[arg-type]  # rows by name
        allowed_tokens=sources.rows.allowed_tokens,
    )
    for change in resolution.changes:
        findings.note(f"The next start: {change}")
    for warning in resolution.warnings:
        findings.bad(warning)
    _origins(sources, resolution, findings)
    if resolution.needs_admin_token and not (seen is not None and seen.gemini_balance):
        findings.note("There is no AUTH_TOKEN yet: the first start makes one up and shows it.")
    return resolution.settings


def _origins(sources: Sources, resolution: Resolution, findings: Findings) -> None:
    """Where each setting comes from that is not the default; of a secret one only that it is set."""
    for each in DESCRIPTIONS:
        if each.model is LiveSettings:
            value: object = getattr(resolution.settings, each.attribute)
            origin = resolution.origins[each.name]
            if origin is Origin.DEFAULT:
                continue
        elif each.model is BootSettings and (value := getattr(sources.boot, each.attribute)) != each.default:
            origin = Origin.ENVIRONMENT
        else:
            continue
        findings.settings.append((each.name, _HIDDEN if each.about.secret else text_of(value), origin.value))


def _guessable(sources: Sources, settings: LiveSettings, findings: Findings) -> None:
    boot = sources.boot
    named = [("AUTH_TOKEN", settings.auth_token), ("METRICS_TOKEN", settings.metrics_token)]
    named += [("A token in ALLOWED_TOKENS", token) for token in sources.rows.allowed_tokens or ()]
    if boot.database_type == "mysql" and not boot.mysql_socket:
        named.append(("MYSQL_PASSWORD", boot.mysql_password))
    for name, secret in named:
        if secret and (why := weakness(secret)):
            findings.bad(f"{name} {why}: whoever reaches the gateway can guess it. Set a long random one.")
    if settings.auth_token and settings.auth_token in (sources.rows.allowed_tokens or ()):
        findings.note("AUTH_TOKEN is also a client's token: whoever has it can administrate.")
    if not boot.encryption_key:
        findings.note("Keys and tokens are stored in the clear; ENCRYPTION_KEY encrypts them.")


def _keys(sources: Sources, seen: Seen | None, findings: Findings) -> None:
    listed = sources.rows.api_keys or ()
    counts = {} if seen is None else seen.keys
    if not counts:
        if seen is None or not (seen.newer or listed or seen.gemini_balance):
            findings.bad("There is no key yet: set API_KEYS, or add keys in the admin page.")
        elif listed:
            findings.note(f"API_KEYS names {len(listed)} keys, which the next start takes in.")
        return
    words = ", ".join(f"{count:,} {standing}" for standing, count in counts.items() if count)
    total = sum(counts.values())
    if not total and not listed:
        findings.bad("There is no key yet: set API_KEYS, or add keys in the admin page.")
    elif total and not counts["ready"]:
        findings.bad(f"No key is ready ({words}). The admin page says why of each.")
    else:
        findings.good(f"Keys: {words or 'none yet; the next start takes in those of API_KEYS'}.")
    if seen is not None and total and not seen.tokens:
        findings.note("There is no access token: only the administrator's opens the gateway.")


async def _upstream(settings: LiveSettings, findings: Findings) -> None:
    transport = CurlTransport(asyncio.get_running_loop())
    provider = read_provider(settings.base_url)
    reach = Reach(transport, provider=lambda: provider, proxies=lambda: settings.proxies)
    try:
        ways = await reach.through() if settings.proxies else [await reach.direct()]
    finally:
        await transport.close()
    for way in ways:
        _way(way, settings.base_url, findings)
    _clock(ways, findings)


def _way(way: WayOut, base_url: str, findings: Findings) -> None:
    through = f" through {way.proxy}" if way.proxy else ""
    if not way.ok:
        findings.bad(f"{base_url} cannot be reached{through}: {way.message}")
    elif way.status >= 500 or way.status == 404:
        findings.bad(f"{base_url}{through} answers {way.status}: is BASE_URL right?")
    else:
        findings.good(f"{base_url} answers{through} in {way.latency_ms} ms.")


def _clock(ways: list[WayOut], findings: Findings) -> None:
    """Quota days begin at Pacific midnight: a clock that is wrong wastes calls on keys that still rest."""
    skews = [way.skew_s for way in ways if way.skew_s is not None]
    if skews and min(map(abs, skews)) > _MOST_SKEW_S:
        ahead = "ahead" if skews[0] > 0 else "behind"
        findings.bad(f"This machine's clock is about {abs(skews[0]):.0f} s {ahead}. Set it, or run NTP.")
