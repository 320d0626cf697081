"""`keys check`: asks the upstream whether keys work; every gateway on the database knows what it finds."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import get_args

import orjson

from gateway.building import Opened, build_services
from gateway.commands.options import quiet_sources
from gateway.commands.stores import ME, on_opened
from gateway.commands.terminal import Progress, answer
from gateway.control.ailments import Ailment, ailment_of
from gateway.control.key_edits import KeyEdit
from gateway.control.key_tasks import CHECKS_AT_ONCE, WORKS, Selection
from gateway.control.key_views import PROVIDERS, KeyFilter
from gateway.log import Redaction
from gateway.protocols.failure_kinds import FailureKind
from gateway.services import Services
from gateway.settings.sources import Sources
from gateway.store.key_query import KeyStanding

_SHOWN = 20
_PART = 500


def add_options(check: argparse.ArgumentParser) -> None:
    """The words on the command line."""
    check.add_argument(
        "--generate",
        action="store_true",
        help="by a small generation with TEST_MODEL; costs quota",
    )
    check.add_argument("--state", choices=get_args(KeyStanding), default="", help="only keys that stand so")
    check.add_argument("--tag", default="", help="only keys with this tag")
    check.add_argument("--provider", choices=PROVIDERS, default="gemini", help="whose keys (gemini)")
    check.add_argument(
        "--disable-refused", action="store_true", help="disable keys that are refused for good reason"
    )
    check.add_argument("--json", action="store_true", help="for programs")
    check.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    sources = quiet_sources(arguments)
    asked = KeyFilter(provider=arguments.provider, state=arguments.state, tag=arguments.tag)
    return on_opened(sources, lambda opened: _ask(sources, opened, asked, arguments))


async def _ask(sources: Sources, opened: Opened, asked: KeyFilter, arguments: argparse.Namespace) -> int:
    found: dict[str, list[int]] = {}
    async with _gateway_without_front(sources, opened) as services:
        tasks = services.desk.key_tasks
        ids = await tasks.select(Selection(matching=asked))
        progress = Progress("Keys asked")
        for start in range(0, len(ids), CHECKS_AT_ONCE):
            part = ids[start : start + CHECKS_AT_ONCE]
            for outcome, some in (await tasks.check(part, generate=arguments.generate)).items():
                found.setdefault(outcome, []).extend(some)
            progress.tell(start + len(part), len(ids))
        progress.end()
        if arguments.disable_refused:
            refused = [key_id for outcome in found if _is_refusal(outcome) for key_id in found[outcome]]
            await services.desk.keys.change(refused, KeyEdit(enabled=False), ME)
        aliases = await _aliases(services, ids)
    _tell(found, aliases, as_json=arguments.json)
    if arguments.disable_refused and not arguments.json:
        answer(f"{len(refused):,} keys were disabled.")
    return 0 if set(found) <= {WORKS} else 1


@asynccontextmanager
async def _gateway_without_front(sources: Sources, opened: Opened) -> AsyncIterator[Services]:
    """Everything a gateway is made of, that serves nobody and does no jobs, but tells what it learns."""
    services = build_services(sources, opened, Redaction(), asyncio.get_running_loop())
    background = services.background
    background.bus.start()
    background.memory.start()
    try:
        yield services
    finally:
        await background.memory.stop()
        await background.bus.stop()
        await services.engine.transport.close()
        await services.downloads.close()


def _is_refusal(outcome: str) -> bool:
    return outcome in set(FailureKind) and ailment_of(FailureKind(outcome)) is Ailment.KEY


async def _aliases(services: Services, ids: Sequence[int]) -> dict[int, str]:
    store = services.store
    found: dict[int, str] = {}
    for start in range(0, len(ids), _PART):
        rows = await store.read(partial(store.keys.named, ids[start : start + _PART]))
        found.update((row.id, row.alias) for row in rows)
    return found


def _tell(found: Mapping[str, Sequence[int]], aliases: Mapping[int, str], *, as_json: bool) -> None:
    """The keys by what came out; the largest group first, those that work counted only."""
    groups = sorted(found.items(), key=lambda group: (group[0] != WORKS, -len(group[1])))
    if as_json:
        shown = {
            outcome: [{"id": key_id, "alias": aliases.get(key_id, "")} for key_id in ids]
            for outcome, ids in groups
        }
        answer(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
        return
    if not groups:
        answer("There is no such key.")
    for outcome, ids in groups:
        answer(f"{outcome}: {len(ids):,}")
        if outcome != WORKS:
            for key_id in ids[:_SHOWN]:
                answer(f"  {aliases.get(key_id, '')} (key {key_id})")
            if len(ids) > _SHOWN:
                answer(f"  and {len(ids) - _SHOWN:,} more")
